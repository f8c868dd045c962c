import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { nextQuestionMs } from './pace.ts';
import { Watch, type WatchOptions } from './watch.ts';

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Moves the clock on and lets what it started settle. */
async function later(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await settled();
}

function watched(more: Partial<WatchOptions<number>> = {}) {
  const seen = { asked: 0, answers: [] as number[], faults: 0, visible: true, aborted: false };
  const watch = new Watch<number>({
    ask: async (signal) => {
      signal.addEventListener('abort', () => {
        seen.aborted = true;
      });
      return ++seen.asked;
    },
    live: true,
    visible: () => seen.visible,
    onAnswer: (answer) => seen.answers.push(answer),
    onFault: () => ++seen.faults > 0,
    ...more,
  });
  return { watch, seen };
}

test('a live page asks at once and then every five seconds', async () => {
  const { watch, seen } = watched();
  await settled();
  assert.deepEqual(seen.answers, [1]);
  await later(4_999);
  assert.equal(seen.asked, 1);
  await later(1);
  assert.deepEqual(seen.answers, [1, 2]);
  watch.stop();
  await later(60_000);
  assert.equal(seen.asked, 2);
});

test('a hidden page asks nothing, and at once when it is shown again', async () => {
  const { watch, seen } = watched();
  await settled();
  seen.visible = false;
  await later(60_000);
  assert.equal(seen.asked, 1);
  seen.visible = true;
  watch.now();
  await settled();
  assert.equal(seen.asked, 2);
  watch.stop();
});

test('a fixed range is asked for once', async () => {
  const { watch, seen } = watched({ live: false });
  await settled();
  await later(600_000);
  watch.now();
  await settled();
  assert.deepEqual(seen.answers, [1]);
});

test('after a failure it asks again, less and less often, and no more when that makes no sense', async () => {
  let fails = true;
  const ask = async () => {
    if (fails) throw new Error('away');
    return 7;
  };
  const { watch, seen } = watched({ ask, live: false });
  await settled();
  assert.equal(seen.faults, 1);
  await later(5_000);
  assert.equal(seen.faults, 2);
  await later(9_999);
  assert.equal(seen.faults, 2);
  fails = false;
  await later(1);
  assert.deepEqual(seen.answers, [7]);
  watch.stop();

  const refused = watched({ ask: async () => Promise.reject(new Error('401')), onFault: () => false });
  await settled();
  await later(600_000);
  refused.watch.now();
  assert.equal(refused.seen.asked, 0);
});

test('a question that is under way is not asked twice, and ends with its page', async () => {
  const answer = Promise.withResolvers<number>();
  let asked = 0;
  const { watch, seen } = watched({
    ask: (signal) => {
      asked += 1;
      signal.addEventListener('abort', () => answer.reject(signal.reason));
      return answer.promise;
    },
  });
  watch.now();
  watch.now();
  assert.equal(asked, 1);
  watch.stop();
  await settled();
  assert.deepEqual([seen.answers.length, seen.faults], [0, 0]);
});

test('the pace follows the failures and what the server says', () => {
  assert.equal(nextQuestionMs({ failures: 0 }), 5_000);
  assert.equal(nextQuestionMs({ failures: 3 }), 20_000);
  assert.equal(nextQuestionMs({ failures: 30 }), 60_000);
  assert.equal(nextQuestionMs({ failures: 1, retryAfterMs: 12_000 }), 12_000);
});
