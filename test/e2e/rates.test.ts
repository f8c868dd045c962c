import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { demoOf, withTeams } from '../support/demo.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Rates and rolling windows as a caller with the official client meets them.

let system: System;
let gatewayUrl: string;
/** The demo, for the tests that come later. */
let provided: string;

const limits: Record<string, string> = {
  // One comes back in a minute: longer than the first four calls take.
  bursting: '{ requests: 1, window: 1m, burst: 3 }',
  pacing: '{ requests: 60, window: 1m, burst: 1 }',
  rolling: '{ tokens: 3000, window: 24h, rolling: true }',
  customers: '{ requests: 1, window: 1m, burst: 2, per: metadata.customer, valuesMax: 2 }',
  keys: '{ requests: 1, window: 1m, burst: 2, per: key }',
  nightly: '{ tokens: 60, window: 1d, keys: [capped] }',
};

/** Of each team of the demo, as the header of policies tells it. */
const cap = '"team-concurrent-requests";q=200;qu="concurrent-requests"';

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  provided = await demoOf(system);
  await system.apply(withTeams(provided, limits));
});
after(() => system.apply(provided));

const clientWith = (apiKey: string, maxRetries: number) =>
  new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries });

async function clientOf(team: string, maxRetries: number, name = `rates-${maxRetries}`): Promise<OpenAI> {
  return clientWith((await system.createKey(team, name)).key, maxRetries);
}

function ask(client: OpenAI, content: string) {
  return client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content }], max_tokens: 16 });
}

async function refusal(call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.RateLimitError>> {
  const error = await call.then(
    () => assert.fail('it was admitted'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof OpenAI.RateLimitError, String(error));
  return error;
}

test('a burst passes, one more reads when it fits, and the headers tell what is left', async () => {
  const client = await clientOf('bursting', 0);
  for (const left of ['2', '1', '0']) {
    const { response } = await ask(client, 'How much is left?').withResponse();
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '3');
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), left);
    const told = new RegExp(`^"team-requests-1m";r=${left};t=\\d+, "team-concurrent-requests";r=\\d+$`);
    assert.match(response.headers.get('ratelimit') ?? '', told);
    assert.equal(response.headers.get('ratelimit-policy'), `"team-requests-1m";q=3;qu="requests";w=180, ${cap}`);
  }
  const error = await refusal(ask(client, 'And now?'));
  assert.deepEqual([error.code, error.type], ['rate_limit_exceeded', 'rate_limit_error']);
  const waitMs = Number(error.headers.get('retry-after-ms'));
  assert.ok(waitMs > 0 && waitMs <= 60_000, String(waitMs));
  assert.equal(error.headers.get('retry-after'), String(Math.ceil(waitMs / 1000)));
  assert.equal(error.headers.get('x-ratelimit-remaining-requests'), '0');
});

test('the official client waits as it is told, and gets every answer', async () => {
  const client = await clientOf('pacing', 5);
  for (const turn of [1, 2, 3]) assert.ok((await ask(client, `Turn ${turn}`)).choices.length > 0);
});

test('a rolling window that is used up is a budget: its caller stops, and reads when enough has left', async () => {
  const client = await clientOf('rolling', 0);
  const long = (name: string) => `${name}: ${'lorem ipsum dolor sit amet '.repeat(300)}`;
  await ask(client, long('One'));
  // What the first one used is counted when it is settled; until then it is reserved.
  const error = await until('the first request is settled', async () => {
    const refused = await refusal(ask(client, long('Two')));
    return refused.code === 'budget_exceeded' ? refused : undefined;
  });
  assert.equal(error.type, 'insufficient_quota');
  assert.match(error.message, /tokens budget of team rolling for 24h .* will reset at /);
  const hours = Number(error.headers.get('retry-after')) / 3600;
  assert.ok(hours > 23.9 && hours <= 26, String(hours));
  assert.equal(error.headers.get('x-should-retry'), 'false');
  const policy = `"team-tokens-rolling-24h";q=3000;qu="tokens";w=86400, ${cap}`;
  assert.equal(error.headers.get('ratelimit-policy'), policy);
});

test('customers in the metadata have a rate each, as many as are counted apart; the others share one', async () => {
  const client = await clientOf('customers', 0);
  const of = (customer: string) => {
    const headers = { 'x-tollgate-metadata': JSON.stringify({ customer }) };
    const messages = [{ role: 'user' as const, content: `For ${customer}` }];
    return client.chat.completions.create({ model: 'gpt-4o', messages, max_tokens: 16 }, { headers });
  };
  for (const customer of ['acme', 'globex', 'acme', 'globex']) await of(customer);
  for (const customer of ['acme', 'globex'])
    assert.equal((await refusal(of(customer))).code, 'rate_limit_exceeded', customer);
  // Beyond two values all share one rate, with whoever names no customer.
  await of('initech');
  await of('umbrella');
  assert.equal((await refusal(of('initech'))).code, 'rate_limit_exceeded');
  assert.equal((await refusal(ask(client, 'For nobody'))).code, 'rate_limit_exceeded');
});

test('keys of one team have a rate each', async () => {
  const [one, other] = [await clientOf('keys', 0, 'one-key'), await clientOf('keys', 0, 'other-key')];
  for (const client of [one, other, one, other]) await ask(client, 'Whose turn?');
  for (const client of [one, other]) assert.equal((await refusal(ask(client, 'Whose?'))).code, 'rate_limit_exceeded');
});

test('a key with a budget of its own is refused when it is spent, another one of its team is served', async () => {
  const made = await system.createKey('nightly', 'capped');
  const [capped, free] = [clientWith(made.key, 0), await clientOf('nightly', 0, 'free')];
  const { response } = await ask(capped, 'Within its budget?').withResponse();
  assert.match(response.headers.get('ratelimit') ?? '', /^"key-tokens-1d";r=\d+;t=\d+, /);
  const error = await until('its budget is spent', async () => {
    const ended = await ask(capped, 'Once more?').then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return ended instanceof OpenAI.RateLimitError && ended.code === 'budget_exceeded' ? ended : undefined;
  });
  assert.match(error.message, /tokens budget of team nightly \(key capped\) for 1d/);
  await ask(free, 'And the other key?');
  const rotated = JSON.parse(await system.cli('keys', 'rotate', made.id, '--json'));
  const inItsPlace = await refusal(ask(clientWith(rotated.key, 0), 'And the one in its place?'));
  assert.match(inItsPlace.message, /tokens budget of team nightly \(key capped\) for 1d/);
  const { budgets } = JSON.parse(await system.cli('usage', '--limits', '--team', 'nightly', '--json'));
  const [own] = budgets.filter(({ keys }: { keys: string[] }) => keys.length > 0);
  assert.deepEqual([own.scope, own.of, own.keys, own.limit], ['team', 'sample-project.nightly', ['capped'], 60]);
  assert.ok(own.spent > 0, 'what was spent is told');
  const { findings } = JSON.parse(await system.cli('reconcile', '--json'));
  const differing = findings.filter(
    ({ compared, outcome }: Record<string, string>) => compared === 'budgets' && outcome === 'differs',
  );
  assert.deepEqual(differing, []);
});
