import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { GuardClient, GuardReply, GuardRequest } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { piiCall, textsOf } from './test-support/fakes.ts';
import { Harness, masked, maskedTexts, shout, until } from './test-support/harness.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness();
});
afterEach(() => harness.close());

const mib = 1024 * 1024;

test('calls of one turn share one message each way', async () => {
  const guard = await harness.guard();
  const pool = await harness.pool(1);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.call(piiCall([`text ${i}`]))));
  assert.deepEqual(
    answers.flatMap(maskedTexts),
    Array.from({ length: 100 }, (_, i) => `TEXT ${i}`),
  );
  await guard.scope.runDrains();
  const metrics = await guard.metrics();
  assert.match(metrics, /tollgate_guard_requests_total\{kind="pii",service="guard-test"\} 100\n/);
  const batches = (way: string) => Number(metrics.match(new RegExp(`batches_${way}_total\\{.*\\} (\\d+)\n`))?.[1]);
  // 100 requests of at most 0.6 KiB each: two batches of 60 KiB at most.
  assert.ok(batches('received') <= 2, metrics);
  assert.ok(batches('sent') <= 4, metrics);
});

test('calls cost no timer each, and none is left when all have ended', async () => {
  await harness.guard();
  const pool = await harness.pool(1);
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const calls = Array.from({ length: 500 }, () => pool.call(piiCall(['a'])));
  assert.ok(timers() - before <= 1, `${timers() - before} timers for 500 calls`);
  await Promise.all(calls);
  await until(() => timers() === before);
});

test('a large request and a large answer pass in parts, small ones pass by them', async () => {
  await harness.guard();
  const pool = await harness.pool(1);
  const order: string[] = [];
  const big = 'é'.repeat(4 * mib) + 'x'.repeat(mib);
  const large = pool.call(piiCall([big])).then((answer) => {
    order.push('large');
    return maskedTexts(answer)[0];
  });
  await pool.call(piiCall(['small'])).then(() => order.push('small'));
  assert.equal(await large, big.toUpperCase());
  assert.deepEqual(order, ['small', 'large']);
});

test('texts at both sides of the bulk bound arrive as they were sent', async () => {
  await harness.guard({ handle: (request) => masked(textsOf(request)) });
  const pool = await harness.pool(1);
  for (const length of [60_000, 65_535, 65_536, 66_000, 196_000, 196_560, 196_608, 196_700, 262_144, 400_000]) {
    const texts = ['x'.repeat(length), 'ü'];
    assert.deepEqual(maskedTexts(await pool.call(piiCall(texts))), texts, `length ${length}`);
  }
});

test('a large request goes undecoded to the encoded handler, its answer undecoded to callEncoded', async () => {
  await harness.guard({
    handle: () => assert.fail('the encoded handler was there'),
    handleEncoded: async (bytes) => {
      const request = GuardRequest.decode(bytes);
      return GuardReply.encode({ id: request.id, result: shout(request, 0) as GuardReply['result'] }).finish();
    },
  });
  const pool = await harness.pool(1);
  const call = piiCall(['a'.repeat(mib)]);
  const encoded = GuardRequest.encode({ ...call, id: 0, timeoutMs: 0 }).finish();
  const answer = await pool.callEncoded({ encoded, requestId: call.requestId, timeoutMs: 10_000 });
  assert.equal(answer.$case, 'encoded');
  const reply = GuardReply.decode(answer.value as Uint8Array);
  assert.deepEqual(maskedTexts(reply.result as NonNullable<GuardReply['result']>), ['A'.repeat(mib)]);
  assert.deepEqual(maskedTexts(await pool.call(call)), ['A'.repeat(mib)]);
});

test('a TollgateError of the handler is the answer; any other fault tells nothing of the text', async () => {
  await harness.guard({
    handle: (request) => {
      const [text] = textsOf(request);
      if (text === 'known') throw new TollgateError('store_unavailable', { retryAfterMs: 1234 });
      return Promise.reject(new SyntaxError('Unexpected token: my secret'));
    },
  });
  const pool = await harness.pool(1);
  const known = await pool.call(piiCall(['known']));
  assert.equal(known.$case === 'error' && known.value.code, 'store_unavailable');
  assert.equal(known.$case === 'error' && known.value.retryAfterMs, 1234);
  const unknown = await pool.call(piiCall(['my secret']));
  assert.equal(unknown.$case === 'error' && unknown.value.code, 'guard_unavailable');
  assert.doesNotMatch(JSON.stringify(unknown), /secret|Unexpected/);
  assert.match(JSON.stringify(unknown), /SyntaxError/);
});

test('no guard: guard_unavailable at once, with when to come back', async () => {
  const pool = await harness.pool(0);
  await assert.rejects(pool.call(piiCall(['a'])), (error: TollgateError) => {
    assert.equal(error.code, 'guard_unavailable');
    assert.equal(error.retryAfterMs, 1000);
    assert.match(error.message, /pii/);
    return true;
  });
});

test('no answer in time: guard_unavailable that names the stage; the late answer is dropped', async () => {
  const timeoutMs = 60;
  const guard = await harness.guard({
    handle: async (request) => {
      // The guard counts from the call's arrival, later than the caller.
      if (textsOf(request)[0] === 'slow') await setTimeout(2 * timeoutMs);
      return masked(['done']);
    },
  });
  const pool = await harness.pool(1);
  const slow = pool.call(piiCall(['slow'], timeoutMs));
  await assert.rejects(slow, { code: 'guard_unavailable', message: /pii.*in time/ });
  assert.deepEqual(maskedTexts(await pool.call(piiCall(['fast']))), ['done']);
  assert.equal(pool.outstanding, 0);
  // Begun later, it ends later than the one of the slow call.
  await setTimeout(2 * timeoutMs);
  await guard.scope.runDrains();
  assert.match(await guard.metrics(), /guard_expired_total\{.*\} 1\n/);
});

test('at the bound of outstanding calls: overloaded', async () => {
  const release = Promise.withResolvers<void>();
  await harness.guard({ handle: () => release.promise.then(() => masked([])) });
  const pool = await harness.pool(1, { outstandingMax: 3 });
  const calls = [1, 2, 3].map(() => pool.call(piiCall(['a'])));
  await assert.rejects(pool.call(piiCall(['a'])), { code: 'overloaded', retryAfterMs: 1000 });
  release.resolve();
  await Promise.all(calls);
  await pool.call(piiCall(['a']));
});

test('at the bound of large calls: overloaded, small ones still pass', async () => {
  await harness.guard();
  const pool = await harness.pool(1, { bulkBytesMax: mib });
  const large = pool.call(piiCall(['a'.repeat(900_000)]));
  await assert.rejects(pool.call(piiCall(['a'.repeat(900_000)])), { code: 'overloaded' });
  await pool.call(piiCall(['a']));
  await large;
  await pool.call(piiCall(['a'.repeat(900_000)]));
});

test('a guard at its bound refuses, and another one is asked', async () => {
  const release = Promise.withResolvers<void>();
  await harness.guard({ runningMax: 1, handle: () => release.promise.then(() => masked(['one'])) });
  await harness.guard({ runningMax: 1, handle: () => release.promise.then(() => masked(['two'])) });
  const pool = await harness.pool(2);
  const calls = [1, 2].map(() => pool.call(piiCall(['a'])));
  await until(() => pool.outstanding === 2);
  const third = await pool.call(piiCall(['a']));
  assert.equal(third.$case === 'error' && third.value.code, 'overloaded');
  release.resolve();
  assert.deepEqual((await Promise.all(calls)).flatMap(maskedTexts).sort(), ['one', 'two']);
});

test('a guard that cannot decide yet: another one is asked', async () => {
  await harness.guard({
    handle: () => {
      throw new TollgateError('guard_unavailable', { internal: 'revision 7 has not come' });
    },
  });
  await harness.guard();
  const pool = await harness.pool(2);
  const answers = await Promise.all(Array.from({ length: 10 }, () => pool.call(piiCall(['a']))));
  assert.deepEqual(new Set(answers.flatMap(maskedTexts)), new Set(['A']));
});

test('calls spread over all guards that announce themselves; one that is not ready gets none', async () => {
  await harness.guard({ handle: () => masked(['one']) });
  await harness.guard({ handle: () => masked(['two']) });
  await harness.guard({ handle: () => masked(['three']), ready: () => false });
  const pool = await harness.pool(2);
  const answers = await Promise.all(Array.from({ length: 100 }, () => pool.call(piiCall(['a']))));
  const by = Object.groupBy(answers.flatMap(maskedTexts), (name) => name);
  assert.deepEqual([by.one?.length, by.two?.length, by.three?.length], [50, 50, undefined]);
});

test('drain: what is outstanding finishes, what is new goes elsewhere, the connection closes', async () => {
  const release = Promise.withResolvers<void>();
  const draining = await harness.guard({ handle: () => release.promise.then(() => masked(['old'])) });
  const pool = await harness.pool(1);
  const old = pool.call(piiCall(['a']));
  await harness.guard({ handle: () => masked(['new']) });
  await until(() => pool.usable === 2);
  const drained = draining.scope.runDrains();
  await until(() => pool.usable === 1);
  const fresh = await Promise.all(Array.from({ length: 20 }, () => pool.call(piiCall(['a']))));
  assert.deepEqual(new Set(fresh.flatMap(maskedTexts)), new Set(['new']));
  release.resolve();
  assert.deepEqual(maskedTexts(await old), ['old']);
  await drained;
});

test('drain while the bus is away: the stream itself says so', async () => {
  const release = Promise.withResolvers<void>();
  const draining = await harness.guard({ handle: () => release.promise.then(() => masked(['old'])) });
  const pool = await harness.pool(1);
  const old = pool.call(piiCall(['a']));
  harness.bus.isAway = true;
  const drained = draining.scope.runDrains();
  await until(() => pool.usable === 0);
  release.resolve();
  assert.deepEqual(maskedTexts(await old), ['old']);
  await drained;
});

test('a bus that goes away cuts nothing that is connected', async () => {
  await harness.guard();
  const pool = await harness.pool(1);
  harness.bus.isAway = true;
  for (let i = 0; i < 3; i++) assert.deepEqual(maskedTexts(await pool.call(piiCall(['a']))), ['A']);
});

test('drain under load: no call fails', async () => {
  const first = await harness.guard();
  await harness.guard();
  const pool = await harness.pool(2);
  let done = false;
  const callers = Array.from({ length: 20 }, async () => {
    while (!done) assert.deepEqual(maskedTexts(await pool.call(piiCall(['a']))), ['A']);
  });
  await first.scope.runDrains();
  await first.scope.runCloses();
  assert.equal(pool.usable, 1);
  await Promise.all(Array.from({ length: 50 }, () => pool.call(piiCall(['a']))));
  done = true;
  await Promise.all(callers);
});

test('Check answers one request, for grpcurl', async () => {
  const guard = await harness.guard();
  const client = new GuardClient(guard.address, credentials.createInsecure());
  const reply = await new Promise<GuardReply>((resolve, reject) => {
    client.check({ id: 9, ...piiCall(['hello']) }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
  assert.equal(reply.id, 9);
  assert.deepEqual(maskedTexts(reply.result as NonNullable<GuardReply['result']>), ['HELLO']);
  client.close();
});

test('Exchange works without the metadata of a pair, as a stranger would call it', async () => {
  const guard = await harness.guard();
  const client = new GuardClient(guard.address, credentials.createInsecure());
  const stream = client.exchange();
  const replies: GuardReply[] = [];
  stream.on('data', (batch: { replies: GuardReply[] }) => replies.push(...batch.replies));
  stream.write({
    requests: [
      { id: 1, ...piiCall(['a']) },
      { id: 2, ...piiCall(['b']) },
    ],
    replies: [],
    draining: false,
  });
  await until(() => replies.length === 2);
  assert.deepEqual(
    replies.flatMap(({ result }) => maskedTexts(result as NonNullable<GuardReply['result']>)),
    ['A', 'B'],
  );
  stream.end();
  await new Promise((resolve) => stream.on('end', resolve));
  client.close();
});

test('bytes that are no batch end the connection, not the guard', async () => {
  const guard = await harness.guard();
  const client = new GuardClient(guard.address, credentials.createInsecure());
  const raw = client.makeBidiStreamRequest<Buffer, Buffer>(
    '/tollgate.v1.Guard/Exchange',
    (b) => b,
    (b) => b,
  );
  raw.on('data', () => {});
  const error = new Promise<{ code: number }>((resolve) => raw.on('error', (fault) => resolve(fault as never)));
  raw.write(Buffer.from([0x0a, 0x7f, 1, 2, 3]));
  assert.equal((await error).code, 3);
  client.close();
  const pool = await harness.pool(1);
  assert.deepEqual(maskedTexts(await pool.call(piiCall(['a']))), ['A']);
});
