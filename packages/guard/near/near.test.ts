import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { GuardReply, GuardRequest } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { GuardCall } from '../index.ts';
import { piiCall, testMetrics, textsOf } from '../test-support/fakes.ts';
import { Harness, masked, maskedTexts, shout, until } from '../test-support/harness.ts';
import { helloSubject } from '../wire/subjects.ts';
import { NearGuards } from './near-guards.ts';

const mib = 1024 * 1024;

/** A process that a pipeline's pool shares with guards. */
let near: NearGuards;
let harness: Harness;
beforeEach(() => {
  near = new NearGuards();
  harness = new Harness();
});
afterEach(() => harness.close());

const answering = (name: string) => ({ handle: () => masked([name]) });
const encodedOf = (call: GuardCall) => GuardRequest.encode({ ...call, id: 0, timeoutMs: 0 }).finish();

async function answersOf(pool: Awaited<ReturnType<Harness['pool']>>, calls: number): Promise<Set<string>> {
  const answers = await Promise.all(Array.from({ length: calls }, () => pool.call(piiCall(['a']))));
  return new Set(answers.flatMap(maskedTexts));
}

test('a call beside its guard is answered in its own turn, with the objects of both sides', async () => {
  const result = masked(['done']);
  const seen: GuardRequest[] = [];
  const handle = (request: GuardRequest) => {
    seen.push(request);
    return result;
  };
  const guard = await harness.guard({ handle }, near);
  const pool = await harness.pool(1, { near });
  const call = piiCall(['a'], 1234);
  const answer = pool.call(call);
  assert.equal(pool.outstanding, 0, 'answered when the call returns');
  assert.equal(await answer, result);
  assert.equal(seen[0]?.call, call.call);
  const { id, call: _, ...rest } = seen[0] as GuardRequest;
  assert.ok(id > 0);
  assert.deepEqual({ ...rest, call: call.call }, call);
  assert.doesNotMatch(await guard.metrics(), /batches_received_total\{.*\} [1-9]/);
});

test('an asynchronous guard’s answers go to their calls, in whatever order they come', async () => {
  const waiting = new Map<string, () => void>();
  const handle = async (request: GuardRequest) => {
    const [text = ''] = textsOf(request);
    await new Promise<void>((resolve) => waiting.set(text, resolve));
    return shout(request, 0);
  };
  await harness.guard({ handle }, near);
  const pool = await harness.pool(1, { near });
  const calls = ['a', 'b', 'c'].map((text) => pool.call(piiCall([text])));
  for (const text of ['c', 'a', 'b']) waiting.get(text)?.();
  assert.deepEqual((await Promise.all(calls)).flatMap(maskedTexts), ['A', 'B', 'C']);
});

test('a small call that was encoded elsewhere is decoded for the handler, with its time', async () => {
  const seen: GuardRequest[] = [];
  const handle = (request: GuardRequest) => {
    seen.push(request);
    return shout(request, 0);
  };
  await harness.guard({ handle, handleEncoded: () => assert.fail('it is not large') }, near);
  const pool = await harness.pool(1, { near });
  const call = piiCall(['small']);
  const answer = await pool.callEncoded({ encoded: encodedOf(call), requestId: call.requestId, timeoutMs: 777 });
  assert.deepEqual(maskedTexts(answer), ['SMALL']);
  const { id, ...rest } = seen[0] as GuardRequest;
  assert.ok(id > 0);
  assert.deepEqual(rest, { ...call, timeoutMs: 777 });
});

test('a large call goes to the encoded handler in memory of its own; its answer stays encoded where that is wanted', async () => {
  const envelopes: GuardRequest[] = [];
  await harness.guard(
    {
      handle: () => assert.fail('the encoded handler was there'),
      handleEncoded: async (bytes, envelope) => {
        envelopes.push(envelope);
        // As guard-pii hands it to a thread: whoever else looked at this memory would find it gone.
        const own = structuredClone(bytes, { transfer: [bytes.buffer] });
        const { id, call } = GuardRequest.decode(own);
        return GuardReply.encode({ id, result: shout({ call } as GuardRequest, 0) as GuardReply['result'] }).finish();
      },
    },
    near,
  );
  const pool = await harness.pool(1, { near });
  const call = piiCall(['a'.repeat(mib)]);
  const encoded = encodedOf(call);
  const before = encoded.slice();
  const answer = await pool.callEncoded({ encoded, requestId: call.requestId, timeoutMs: 10_000 });
  assert.equal(answer.$case, 'encoded');
  const { result } = GuardReply.decode(answer.value as Uint8Array);
  assert.deepEqual(maskedTexts(result as NonNullable<GuardReply['result']>), ['A'.repeat(mib)]);
  assert.deepEqual(encoded, before, 'the caller’s bytes are as they were');
  assert.deepEqual(maskedTexts(await pool.call(call)), ['A'.repeat(mib)]);
  assert.deepEqual(
    envelopes.map(({ timeoutMs, proxy, call: texts }) => ({ timeoutMs, proxy, texts })),
    Array.from({ length: 2 }, () => ({ timeoutMs: 10_000, proxy: call.proxy, texts: undefined })),
  );
});

test('a large call to a guard without an encoded handler is decoded', async () => {
  await harness.guard({}, near);
  const pool = await harness.pool(1, { near, bulkBytesMax: 1.5 * mib });
  const call = piiCall(['é'.repeat(mib / 2)]);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(maskedTexts(await pool.call(call)), ['É'.repeat(mib / 2)], 'the bound is freed each time');
  }
});

test('a TollgateError of the handler is the answer; any other fault tells nothing of the text', async () => {
  const handle = (request: GuardRequest) => {
    const [text] = textsOf(request);
    if (text === 'known') throw new TollgateError('store_unavailable', { retryAfterMs: 1234 });
    if (text === 'later') return Promise.reject(new SyntaxError('Unexpected token: my secret'));
    throw new SyntaxError('Unexpected token: my secret');
  };
  const handleEncoded = () => Promise.reject(new SyntaxError('Unexpected token: my secret'));
  await harness.guard({ handle, handleEncoded }, near);
  const pool = await harness.pool(1, { near });
  const known = await pool.call(piiCall(['known']));
  assert.equal(known.$case === 'error' && known.value.code, 'store_unavailable');
  assert.equal(known.$case === 'error' && known.value.retryAfterMs, 1234);
  for (const text of ['now', 'later', 'x'.repeat(mib)]) {
    const answer = await pool.call(piiCall([text]));
    assert.equal(answer.$case === 'error' && answer.value.code, 'guard_unavailable', text.slice(0, 10));
    assert.doesNotMatch(JSON.stringify(answer), /secret|Unexpected/);
    assert.match(JSON.stringify(answer), /SyntaxError/);
  }
  assert.equal(pool.outstanding, 0);
});

test('no answer in time: guard_unavailable; what comes later is dropped by the guard and counted', async () => {
  const timeoutMs = 30;
  const wait = async (request: Pick<GuardRequest, 'call'>) => {
    // The guard counts from the call's arrival, later than the caller.
    if (textsOf(request)[0] !== 'fast') await setTimeout(2 * timeoutMs);
    return masked(['done']);
  };
  const guard = await harness.guard({ handle: wait, handleEncoded: () => new Promise(() => {}) }, near);
  const pool = await harness.pool(1, { near });
  const slow = pool.call(piiCall(['slow'], timeoutMs));
  const large = pool.call(piiCall(['x'.repeat(mib)], timeoutMs));
  await Promise.all([slow, large].map((call) => assert.rejects(call, { message: /pii.*in time/ })));
  assert.deepEqual(maskedTexts(await pool.call(piiCall(['fast']))), ['done']);
  assert.equal(pool.outstanding, 0);
  // Begun later, it ends later than the one of the slow call.
  await setTimeout(2 * timeoutMs);
  await guard.scope.runDrains();
  assert.match(await guard.metrics(), /guard_expired_total\{.*\} 1\n/);
});

test('the guard of this process is asked first, however much it has to do', async () => {
  const release = Promise.withResolvers<void>();
  await harness.guard(answering('remote'));
  await harness.guard({ handle: () => release.promise.then(() => masked(['near'])) }, near);
  await harness.guard(answering('remote too'));
  const pool = await harness.pool(3, { near });
  const answers = answersOf(pool, 100);
  assert.equal(pool.outstanding, 100);
  release.resolve();
  assert.deepEqual(await answers, new Set(['near']));
});

test('a guard of another process is asked over its address, also by who has guards beside it', async () => {
  await harness.guard({ ...answering('elsewhere') }, new NearGuards());
  const pool = await harness.pool(1, { near });
  assert.deepEqual(await answersOf(pool, 10), new Set(['elsewhere']));
});

test('where the near guard cannot decide or has too much to do, another one is asked', async () => {
  const release = Promise.withResolvers<void>();
  const handle = (request: GuardRequest) => {
    if (textsOf(request)[0] === 'hold') return release.promise.then(() => masked(['near']));
    throw new TollgateError('guard_unavailable', { internal: 'revision 7 has not come' });
  };
  await harness.guard({ handle, runningMax: 1 }, near);
  await harness.guard(answering('remote'));
  const metrics = testMetrics();
  const pool = await harness.pool(2, { near, metrics });
  assert.deepEqual(await answersOf(pool, 5), new Set(['remote']));
  const held = pool.call(piiCall(['hold']));
  assert.deepEqual(maskedTexts(await pool.call(piiCall(['hold']))), ['remote'], 'it runs one at once');
  release.resolve();
  assert.deepEqual(maskedTexts(await held), ['near']);
  harness.bus.publish(helloSubject, new Uint8Array(0));
  assert.match(await metrics.text(), /guard_failovers_total\{.*\} 6\n/);
});

test('a near guard that is not ready gets nothing until it is', async () => {
  let ready = false;
  await harness.guard({ ...answering('near'), ready: () => ready }, near);
  await harness.guard(answering('remote'));
  const pool = await harness.pool(1, { near });
  for (const [state, by] of [
    [false, 'remote'],
    [true, 'near'],
    [false, 'remote'],
  ] as const) {
    ready = state;
    // Whoever is asked hello says how it is.
    harness.bus.publish(helloSubject, new Uint8Array(0));
    await until(() => pool.usable === (state ? 2 : 1));
    assert.deepEqual(await answersOf(pool, 10), new Set([by]));
  }
});

test('drain: the near guard answers what it has, what is new goes elsewhere, and one that comes back is asked first', async () => {
  const release = Promise.withResolvers<void>();
  const old = await harness.guard({ handle: () => release.promise.then(() => masked(['old'])) }, near);
  await harness.guard(answering('remote'));
  const pool = await harness.pool(2, { near });
  const call = pool.call(piiCall(['a']));
  let drained = false;
  const drain = old.scope.runDrains().then(() => {
    drained = true;
  });
  await until(() => pool.usable === 1);
  assert.deepEqual(await answersOf(pool, 10), new Set(['remote']));
  assert.equal(drained, false);
  release.resolve();
  assert.deepEqual(maskedTexts(await call), ['old']);
  await drain;
  await old.scope.runCloses();
  assert.equal(near.at(old.address), undefined);
  assert.deepEqual(await answersOf(pool, 10), new Set(['remote']));
  await harness.guard(answering('new'), near);
  await until(() => pool.usable === 2);
  assert.deepEqual(await answersOf(pool, 10), new Set(['new']));
});

test('drain while the bus is away: the callers beside the guard are told by itself', async () => {
  const release = Promise.withResolvers<void>();
  const guard = await harness.guard({ handle: () => release.promise.then(() => masked(['old'])) }, near);
  const pool = await harness.pool(1, { near });
  const call = pool.call(piiCall(['a']));
  harness.bus.isAway = true;
  const drained = guard.scope.runDrains();
  assert.equal(pool.usable, 0);
  await assert.rejects(pool.call(piiCall(['a'])), { code: 'guard_unavailable' });
  release.resolve();
  assert.deepEqual(maskedTexts(await call), ['old']);
  await drained;
});

test('drain under load beside a remote guard: no call fails', async () => {
  const handle = async (request: GuardRequest) => {
    await new Promise(setImmediate);
    return shout(request, 0);
  };
  const first = await harness.guard({ handle }, near);
  await harness.guard({ handle });
  const pool = await harness.pool(2, { near });
  let done = false;
  const callers = Array.from({ length: 20 }, async () => {
    while (!done) assert.deepEqual(maskedTexts(await pool.call(piiCall(['a']))), ['A']);
  });
  await first.scope.runDrains();
  await first.scope.runCloses();
  assert.equal(pool.usable, 1);
  await harness.guard({ handle }, near);
  await until(() => pool.usable === 2);
  done = true;
  await Promise.all(callers);
});

test('a drain does not wait for ever: a caller that never gets its answer is left behind', async (t) => {
  const guard = await harness.guard({ handle: () => new Promise(() => {}) }, near);
  const pool = await harness.pool(1, { near });
  const call = assert.rejects(pool.call(piiCall(['a'], 60_000)), { code: 'guard_unavailable' });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const drained = guard.scope.runDrains();
  t.mock.timers.tick(8_000);
  await drained;
  pool.close();
  await call;
});

test('a pool that closes fails what is outstanding beside it and lets the guard drain', async () => {
  const guard = await harness.guard({ handle: () => new Promise(() => {}) }, near);
  const pool = await harness.pool(1, { near });
  const call = assert.rejects(pool.call(piiCall(['a'])), { code: 'guard_unavailable' });
  pool.close();
  await call;
  assert.equal(pool.outstanding, 0);
  await guard.scope.runDrains();
});
