import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { until } from '../support/until.ts';
import { assertRefused, assertWhole } from './matrix/answers.ts';
import { Ledger, Suspensions } from './matrix/books.ts';
import { type Answer, type AskOptions, ask } from './matrix/caller.ts';
import { type Shape, shapes } from './matrix/faults.ts';
import { type Installation, startInstallation } from './matrix/installation.ts';
import { grownCounters, routerCounters } from './matrix/routers.ts';

// How a rotation takes turns, tries, rests and probes, against the running system with two routers.

/** Each test has targets of its own: what rests in one is not missed in another. */
const groups = {
  turns: { targets: 3, suspendSeconds: 30 },
  attempts: { targets: 3, suspendSeconds: 0 },
  deadline: { targets: 2, suspendSeconds: 0 },
  later: { targets: 2, suspendSeconds: 30 },
  good: { targets: 2, suspendSeconds: 1 },
  bad: { targets: 2, suspendSeconds: 1 },
  all: { targets: 2, suspendSeconds: 30 },
} as const;
type Group = keyof typeof groups;
const names = Object.keys(groups) as Group[];
const modelsOf = (group: Group) => Array.from({ length: groups[group].targets }, (_, at) => `${group}-${at + 1}`);
const [json, stream] = shapes as [Shape, Shape];

let installation: Installation;
let ledger: Ledger;
let suspensions: Suspensions;

before(async () => {
  const models = names.flatMap(modelsOf);
  installation = await startInstallation({
    deployments: Object.fromEntries(models.map((name) => [name, 'gpt-4o'])),
    models: models.map((name) => ({ name })),
    proxies: names.map((name) => ({
      ...{ name, suspendSeconds: groups[name].suspendSeconds, suspendSecondsMax: 300 },
      models: modelsOf(name).map((model) => ({ name: model })),
    })),
  });
  const { clickhouseUrl, redisUrl } = await installation.system.status();
  ledger = new Ledger(clickhouseUrl);
  suspensions = new Suspensions(redisUrl);
});
after(async () => {
  suspensions?.close();
  await ledger?.close();
  await installation?.close();
});
afterEach(() => installation.simulator.clearFaults());

const send = (group: Group, shape = json, options: AskOptions = {}): Promise<Answer> =>
  ask(installation, group, shape, options);
const target = (model: string) => `simulator/${model}`;
const restsUntil = (model: string) => suspensions.untilMs(target(model));
const suspended = (model: string) => until(`${model} rests`, async () => (await restsUntil(model)) || undefined);
const rested = async (model: string) => {
  const untilMs = await suspended(model);
  await until(`the rest of ${model} is over`, async () => Date.now() > untilMs || undefined);
};

test('turns are exact over both routers', async () => {
  const routed = 'tollgate_guard_requests_total';
  const known = await routerCounters(installation, routed);
  const answers: Answer[] = [];
  // A few at a time: a router that a busy machine stalls for a second has its request taken by the other, with a turn.
  while (answers.length < 60) answers.push(...(await Promise.all(Array.from({ length: 4 }, () => send('turns')))));
  const served = Object.groupBy(answers, ({ status, model, attempts }) => `${status} ${model} ${attempts}`);
  assert.deepEqual(
    Object.fromEntries(Object.entries(served).map(([name, group]) => [name, group?.length])),
    Object.fromEntries(modelsOf('turns').map((model) => [`200 ${model} 1`, 20])),
  );
  const grown = await grownCounters(installation, routed, known, 60);
  assert.ok(grown.length === 2 && grown.every((count) => count > 0), grown.join());
});

test('as many targets are tried as the rotation allows, each once', async () => {
  const { simulator } = installation;
  for (const shape of shapes) {
    await simulator.reset();
    await simulator.addFault({ kind: 'status', status: 500 });
    const answer = await send('attempts', shape);
    assertRefused(answer, { status: 502, code: 'upstream_error' });
    assert.equal(answer.attempts, '2');
    const row = await ledger.row(answer.requestId);
    assert.equal(row.attempts, 2);
    assert.equal(new Set(row.attempt_models).size, 2);
    assert.equal((await simulator.calls()).length, 2);
  }
});

test("the caller's deadline ends what hangs, after each target had its time, and names the stage", async () => {
  const { simulator } = installation;
  for (const shape of shapes) {
    await simulator.reset();
    await simulator.addFault({ kind: 'hangBeforeHeaders' });
    const answer = await send('deadline', shape, { timeoutMs: 800 });
    assertRefused(answer, { status: 504, code: 'upstream_timeout' });
    assert.match(answer.body, /waiting for the provider's answer \(stage upstream\)/);
    assert.equal(answer.attempts, '2');
    const calls = await simulator.waitForCalls({ ended: true }, { count: 2 });
    assert.ok(
      calls.every(({ aborted }) => aborted),
      'nothing runs on',
    );
    const row = await ledger.row(answer.requestId);
    assert.deepEqual(row.attempt_codes, ['timeout', 'timeout']);
  }
});

test('the later deadline wins: a shorter rest that is told afterwards ends nothing sooner', async () => {
  const { simulator } = installation;
  const [sick] = modelsOf('later') as [string, string];
  await simulator.addFault({
    ...{ kind: 'errorInOk', status: 503, afterChunks: 1, gate: 'later', deployment: sick, count: 1 },
  });
  const calls = simulator.waitForCalls({ deployment: sick });
  // Its turn is the sick one's, which holds it until another request has met a longer rest there.
  const held = send('later', stream);
  await calls;
  await send('later');
  await simulator.addFault({ kind: 'status', status: 429, retryAfterSeconds: 120, deployment: sick, count: 1 });
  const suspensionsTold = 'tollgate_router_suspensions_total';
  const known = await routerCounters(installation, suspensionsTold);
  const other = await send('later');
  assert.equal(other.attempts, '2');
  const longest = await suspended(sick);
  await simulator.openGate('later');
  assert.match((await held).body, /upstream_error/);
  await grownCounters(installation, suspensionsTold, known, 2);
  assert.equal(await restsUntil(sick), longest);
});

test('when its rest is over one request probes a target, the others go elsewhere until it has answered', async () => {
  const { simulator } = installation;
  const [sick, well] = modelsOf('good') as [string, string];
  await simulator.addFault({ kind: 'status', status: 429, deployment: sick, count: 1 });
  assert.deepEqual([(await send('good')).model, await suspended(sick).then(() => true)], [well, true]);
  await rested(sick);
  await simulator.addFault({ gate: 'probe', deployment: sick });
  const before = (await simulator.calls()).at(-1)?.sequence ?? 0;
  const answers: Answer[] = [];
  const asked = Array.from({ length: 8 }, () => send('good', stream).then((answer) => answers.push(answer)));
  await until('all but the probe are answered', async () => answers.length === 7 || undefined);
  assert.ok(answers.every(({ model, attempts }) => model === well && attempts === '1'));
  assert.equal((await simulator.calls({ deployment: sick, afterSequence: before })).length, 1);
  await simulator.openGate('probe', 100);
  await Promise.all(asked);
  const probe = answers.at(-1);
  assert.ok(probe);
  assertWhole(probe, stream);
  assert.deepEqual([probe.model, probe.attempts], [sick, '1']);
  await until('it is back', async () => (await restsUntil(sick)) === 0 || undefined);
  const turns = await Promise.all(Array.from({ length: 10 }, () => send('good')));
  for (const model of [sick, well]) assert.equal(turns.filter((answer) => answer.model === model).length, 5, model);
});

test('a probe that fails is served elsewhere, and one failure is enough for another rest', async () => {
  const { simulator } = installation;
  const [sick, well] = modelsOf('bad') as [string, string];
  await simulator.addFault({ kind: 'status', status: 429, deployment: sick, count: 1 });
  await send('bad');
  await rested(sick);
  const first = await restsUntil(sick);
  await simulator.addFault({ kind: 'status', status: 500, deployment: sick, count: 1 });
  const answers: Answer[] = [];
  for (let turn = 0; turn < 2; turn++) answers.push(await send('bad'));
  assert.deepEqual(answers.map(({ model, attempts }) => [model, attempts]).sort(), [
    [well, '1'],
    [well, '2'],
  ]);
  await until('it rests again', async () => (await restsUntil(sick)) > first || undefined);
});

test('when all rest: 503 with the moment at which the first is tried again, without a call', async () => {
  const { simulator } = installation;
  const [one, two] = modelsOf('all') as [string, string];
  await simulator.addFault({ kind: 'status', status: 429, retryAfterSeconds: 200, deployment: one, count: 1 });
  await simulator.addFault({ kind: 'status', status: 429, retryAfterSeconds: 50, deployment: two, count: 1 });
  const both = await send('all');
  assertRefused(both, { status: 429, code: 'upstream_rate_limited', retryAfterMs: [50_000, 50_000] });
  const [, soonest] = [await suspended(one), await suspended(two)];
  const before = (await simulator.calls()).length;
  for (const shape of shapes) {
    const askedAtMs = Date.now();
    const answer = await send('all', shape);
    const retryAfterMs = [soonest - Date.now(), soonest - askedAtMs] as const;
    assertRefused(answer, { status: 503, code: 'all_models_suspended', retryAfterMs });
    assert.match(answer.body, /All models are currently unavailable/);
    const row = await ledger.row(answer.requestId);
    assert.deepEqual([row.status, row.http_status, row.attempts], ['failed', 503, 0]);
  }
  assert.equal((await simulator.calls()).length, before);
});
