import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type EntraOptions, type EntraSimulator, startEntraSimulator } from '@tollgate/testing/entra';
import { EntraToken } from './entra-token.ts';
import type { Key } from './key-source.ts';
import { Pools } from './pools.ts';

const noProxy = { httpsProxy: undefined, httpProxy: undefined, noProxy: undefined };

/** A token source beside an endpoint, both by one clock. */
async function setUp(t: TestContext, options: EntraOptions = {}) {
  const clock = { nowMs: 1_700_000_000_000 };
  const now = () => clock.nowMs;
  const entra = await startEntraSimulator({ expiresInSeconds: 1000, now, ...options });
  t.after(() => entra.close());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'entra-'));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = path.join(folder, 'azure-identity-token');
  await writeFile(tokenFile, entra.assertion());
  const pools = new Pools({ connectionsMax: 4, connectTimeoutMs: 1000, proxy: noProxy });
  t.after(() => pools.close());
  const { tenantId, clientId, address: authority } = entra;
  const scope = 'https://cognitiveservices.azure.com/.default';
  const outcomes: string[] = [];
  const open = (change: { authority?: string; askMsMax?: number } = {}) =>
    new EntraToken({
      settings: { tenantId, clientId, tokenFile, authority: change.authority ?? authority, scope },
      pool: (origin) => pools.get({ origin, target: '' }),
      now,
      onAsked: (outcome) => outcomes.push(outcome),
      ...(change.askMsMax && { askMsMax: change.askMsMax }),
    });
  return { clock, entra, tokenFile, outcomes, token: open(), open };
}

const away = { status: 503, error: 'temporarily_unavailable', description: 'AADSTS90033: secret text' };

/** What a request finds, which must be there at once. */
function atOnce(token: EntraToken): string {
  const key = token.find();
  assert.ok(!(key instanceof Promise), 'a request waits');
  return textOf(key);
}

const textOf = (key: Key) => ('missing' in key ? `missing: ${key.missing}` : `token ${key.version}`);

function assertValid(entra: EntraSimulator, key: Key): void {
  assert.ok('key' in key && key.key !== undefined);
  assert.equal(entra.isValid(key.key), true);
}

test('all who come before the first token wait for one request, and later ones for nothing', async (t) => {
  const { entra, token, outcomes } = await setUp(t);
  assert.equal(token.standing, 'missing');
  const keys = await Promise.all([token.find(), token.find(), token.find(), token.check()]);
  assertValid(entra, keys[0]);
  assert.equal(entra.requests.length, 1);
  assert.equal(entra.requests[0]?.form.client_assertion, entra.assertion());
  assert.equal(atOnce(token), 'token 1');
  assert.deepEqual([token.standing, token.why, outcomes], ['good', '', ['issued']]);
});

test('a token is renewed when the endpoint says so, with the assertion that is in the file by then', async (t) => {
  const { clock, entra, tokenFile, token } = await setUp(t, { refreshInSeconds: 300 });
  await writeFile(tokenFile, entra.assertion(200));
  await token.find();
  clock.nowMs += 299_999;
  await token.check();
  assert.equal(entra.requests.length, 1);
  clock.nowMs += 1;
  await writeFile(tokenFile, entra.assertion());
  const release = entra.hold();
  const renewed = Promise.all([token.check(), token.check()]);
  await Promise.race([entra.waitForRequests(2), renewed]);
  assert.equal(atOnce(token), 'token 1', 'the old one serves meanwhile');
  release();
  await renewed;
  assert.equal(atOnce(token), 'token 2');
  assertValid(entra, await token.find());
  assert.deepEqual(
    entra.requests.map(({ status }) => status),
    [200, 200],
  );
});

test('else at four fifths of its life', async (t) => {
  const { clock, entra, token } = await setUp(t);
  await token.find();
  clock.nowMs += 799_999;
  await token.check();
  assert.equal(entra.requests.length, 1);
  clock.nowMs += 1;
  await token.check();
  assert.equal(entra.requests.length, 2);
});

test('while it cannot be renewed the old one is used as long as it lives; the pauses grow, and Retry-After counts', async (t) => {
  const { clock, entra, token } = await setUp(t);
  await token.find();
  clock.nowMs += 800_000;
  entra.refuse(away);
  await token.check();
  assert.deepEqual([token.standing, atOnce(token)], ['kept', 'token 1']);
  assert.equal(token.why, 'the token endpoint answered 503 temporarily_unavailable AADSTS90033');
  const asked = () => entra.requests.length;
  for (const pause of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const before = asked();
    clock.nowMs += pause - 1;
    await token.check();
    assert.equal(asked(), before, `before ${pause} ms`);
    clock.nowMs += 1;
    await token.check();
    assert.equal(asked(), before + 1, `after ${pause} ms`);
  }
  entra.refuse({ ...away, status: 429, retryAfterSeconds: 40 });
  clock.nowMs += 30_000;
  await token.check();
  const before = asked();
  clock.nowMs += 39_999;
  await token.check();
  assert.equal(asked(), before);
  // 200 s after it was due, of which 30 are kept clear.
  clock.nowMs += 10_000;
  assert.match(atOnce(token), /^missing: the token endpoint answered 429/);
  assert.equal(token.standing, 'missing');
  entra.refuse(undefined);
  await token.check();
  assert.deepEqual([token.standing, atOnce(token)], ['good', 'token 2']);
});

test('an endpoint that is away at the start fails who waits for it, and nobody later', async (t) => {
  const { clock, outcomes, open } = await setUp(t);
  const token = open({ authority: 'http://127.0.0.1:1' });
  const missing = 'missing: the token endpoint could not be asked: ECONNREFUSED';
  assert.equal(textOf(await token.find()), missing);
  assert.equal(atOnce(token), missing);
  clock.nowMs += 1000;
  await token.check();
  assert.deepEqual(outcomes, ['failed', 'failed']);
});

test('one that does not answer is waited for no longer than its bound', async (t) => {
  const { entra, open } = await setUp(t);
  const token = open({ askMsMax: 50 });
  const release = entra.hold();
  assert.equal(textOf(await token.find()), 'missing: the token endpoint could not be asked: TimeoutError');
  release();
});

test('an assertion that ran out, and a file that is not there', async (t) => {
  const { clock, entra, tokenFile, token } = await setUp(t);
  await writeFile(tokenFile, entra.assertion(1));
  clock.nowMs += 2000;
  assert.equal(textOf(await token.find()), 'missing: the token endpoint answered 401 invalid_client AADSTS700024');
  await rm(tokenFile);
  clock.nowMs += 1000;
  await token.check();
  assert.match(atOnce(token), /^missing: file .*azure-identity-token is not there or empty$/);
  await writeFile(tokenFile, entra.assertion());
  clock.nowMs += 2000;
  await token.check();
  assert.equal(atOnce(token), 'token 1');
});

test('a token that a provider refused is replaced at once, and not again within a minute', async (t) => {
  const { clock, entra, token } = await setUp(t);
  await token.find();
  entra.revokeAll();
  assert.equal(await token.renew(1), true);
  assertValid(entra, await token.find());
  assert.equal(await token.renew(1), true, 'of another call with the old one');
  assert.equal(await token.renew(2), false, 'what is missing may be a permission');
  assert.equal(entra.requests.length, 2);
  clock.nowMs += 60_000;
  assert.equal(await token.renew(2), true);
});

test('what the environment lacks is named, and nothing is asked', async (t) => {
  const { entra, open } = await setUp(t);
  assert.ok(open().origin);
  const token = new EntraToken({
    settings: { scope: 's', tenantId: 't', clientId: 'c' },
    pool: () => assert.fail(),
    now: Date.now,
    onAsked: () => assert.fail(),
  });
  assert.equal(token.origin, undefined);
  assert.equal(atOnce(token), 'missing: environment variable AZURE_FEDERATED_TOKEN_FILE is not there or empty');
  await token.check();
  assert.equal(await token.renew(0), false);
  assert.equal(entra.requests.length, 0);
});
