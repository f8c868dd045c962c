import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sweep } from '../adapters/sweep.ts';
import type { Call } from './account.ts';
import type { AttemptEnd } from './attempt.ts';
import { type Ended, HedgedCalls } from './hedged-calls.ts';

const json = { kind: 'json' } as AttemptEnd;
const stopped: AttemptEnd = { kind: 'stopped' };
const fault = (reason: string): AttemptEnd => ({ kind: 'fault', fault: { kind: 'garbage', reason } });

/** Two calls that do as they are told; what became of them stands in `log`. */
function setUp({ allowed = async () => true, silentForMs = 0 } = {}) {
  const log: string[] = [];
  const ends = { first: Promise.withResolvers<AttemptEnd>(), second: Promise.withResolvers<AttemptEnd>() };
  const contents = new Map<string, () => void>();
  const begun = { first: Promise.withResolvers<void>(), second: Promise.withResolvers<void>() };
  const nameOf = (call: Call) => call.target.model as 'first' | 'second';
  const calls = new HedgedCalls({
    silentUntilMs: Date.now() + silentForMs,
    sweep: new Sweep(),
    open: (which, onContent) => {
      const stop = () => {
        log.push(`${which} cut off`);
        ends[which].resolve(stopped);
      };
      const call = { target: { model: which }, attempt: { stop } } as unknown as Call;
      contents.set(which, () => onContent(call));
      begun[which].resolve();
      return call;
    },
    make: (call) => ends[nameOf(call)].promise,
    allowed,
    mayGoOn: ({ end }) => end.kind === 'fault',
    failed: ({ call }) => log.push(`${nameOf(call)} failed`),
    lost: ({ call, end }) => log.push(`${nameOf(call)} lost ${end.kind}`),
  });
  const decision = calls.run().then(({ call, end }: Ended) => `${nameOf(call)} ${end.kind}`);
  return { calls, log, ends, begun, decision, content: (which: string) => contents.get(which)?.() };
}

const never = 3_600_000;

test('what answers in time stays alone', async () => {
  const { calls, log, ends, decision } = setUp({ silentForMs: never });
  ends.first.resolve(json);
  assert.equal(await decision, 'first json');
  assert.deepEqual([calls.made, log], [1, []]);
});

test('so does what has begun, however long it takes', async () => {
  const { calls, log, ends, decision, content } = setUp({ silentForMs: never });
  content('first');
  ends.first.resolve({ kind: 'stream', failed: false } as AttemptEnd);
  assert.equal(await decision, 'first stream');
  assert.deepEqual([calls.made, log], [1, []]);
});

test('the first content of either cuts the other off at once, and a later end of that one is nothing', async () => {
  for (const [winner, loser] of [
    ['second', 'first'],
    ['first', 'second'],
  ] as const) {
    const { calls, log, ends, begun, decision, content } = setUp();
    await begun.second.promise;
    content(winner);
    assert.deepEqual(log, [`${loser} cut off`, `${loser} lost stopped`]);
    ends[winner].resolve({ kind: 'stream', failed: false } as AttemptEnd);
    assert.equal(await decision, `${winner} stream`);
    assert.deepEqual([calls.made, log.length], [2, 2]);
  }
});

test('of two JSON answers the first decides; one that came in the same moment is told of with what it says', async () => {
  const { log, ends, begun, decision } = setUp();
  await begun.second.promise;
  ends.second.resolve(json);
  ends.first.resolve(json);
  assert.equal(await decision, 'second json');
  assert.deepEqual(log, ['first cut off', 'first lost json']);
});

test('one that fails leaves it to the other', async () => {
  const { log, ends, begun, decision } = setUp();
  await begun.second.promise;
  ends.first.resolve(fault('x'));
  await new Promise(setImmediate);
  assert.deepEqual(log, ['first failed']);
  ends.second.resolve(json);
  assert.equal(await decision, 'second json');
});

test('when both fail, the later one decides', async () => {
  const { log, ends, begun, decision } = setUp();
  await begun.second.promise;
  ends.second.resolve(fault('x'));
  await new Promise(setImmediate);
  ends.first.resolve(fault('y'));
  assert.equal(await decision, 'first fault');
  assert.deepEqual(log, ['second failed']);
});

test('a caller that leaves ends both', async () => {
  const { log, ends, begun, decision } = setUp();
  await begun.second.promise;
  ends.first.resolve(stopped);
  assert.equal(await decision, 'first stopped');
  assert.deepEqual(log, ['second cut off', 'second lost stopped']);
});

test('no second where it is not allowed, or when the first was heard of while that was asked', async () => {
  const said = Promise.withResolvers<void>();
  const refused = setUp({
    allowed: async () => {
      said.resolve();
      return false;
    },
  });
  await said.promise;
  refused.ends.first.resolve(json);
  assert.equal(await refused.decision, 'first json');
  assert.equal(refused.calls.made, 1);
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<boolean>();
  const late = setUp({
    allowed: () => {
      asked.resolve();
      return answer.promise;
    },
  });
  await asked.promise;
  late.ends.first.resolve(fault('x'));
  await new Promise(setImmediate);
  answer.resolve(true);
  assert.equal(await late.decision, 'first fault');
  assert.deepEqual([late.calls.made, late.log], [1, []]);
});

test('what throws cuts the other off, too', async () => {
  const { log, ends, begun, decision } = setUp();
  await begun.second.promise;
  ends.second.reject(new RangeError('x'));
  await assert.rejects(decision, RangeError);
  assert.ok(log.includes('first cut off') && log.includes('first lost stopped'));
});
