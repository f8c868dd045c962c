import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inBatches } from './batches.ts';

/** A source that is fed by hand, and counts what was taken from it. */
function feed() {
  const entries: number[] = [];
  let wake = Promise.withResolvers<void>();
  let end: { error?: Error } | undefined;
  const source = {
    taken: 0,
    give(...values: number[]) {
      entries.push(...values);
      wake.resolve();
    },
    end(error?: Error) {
      end = error ? { error } : {};
      wake.resolve();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (entries.length === 0 && !end) {
          wake = Promise.withResolvers<void>();
          await wake.promise;
        }
        const value = entries.shift();
        if (value !== undefined) {
          source.taken++;
          yield value;
        } else if (end?.error) throw end.error;
        else return;
      }
    },
  };
  return source;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('inBatches', () => {
  it('hands over one message without waiting for a second', async () => {
    const source = feed();
    const batches = inBatches(source, 10);
    source.give(1);
    assert.deepEqual((await batches.next()).value, [1]);
    source.give(2);
    assert.deepEqual((await batches.next()).value, [2]);
  });

  it('gathers what arrives meanwhile, in order, and takes no more than its bound', async () => {
    const source = feed();
    const batches = inBatches(source, 3);
    source.give(1);
    assert.deepEqual((await batches.next()).value, [1]);
    source.give(2, 3, 4, 5, 6, 7, 8);
    await turn();
    assert.equal(source.taken, 4);
    assert.deepEqual((await batches.next()).value, [2, 3, 4]);
    await turn();
    assert.deepEqual((await batches.next()).value, [5, 6, 7]);
    await turn();
    assert.deepEqual((await batches.next()).value, [8]);
  });

  it('hands over what is left before it ends, or throws', async () => {
    const source = feed();
    const batches = inBatches(source, 3);
    source.give(1);
    source.end();
    assert.deepEqual((await batches.next()).value, [1]);
    assert.equal((await batches.next()).done, true);
    const broken = feed();
    const others = inBatches(broken, 3);
    broken.give(1);
    broken.end(new Error('broken'));
    assert.deepEqual((await others.next()).value, [1]);
    await assert.rejects(others.next(), /broken/);
  });

  it('stops taking when its reader leaves', async () => {
    const source = feed();
    source.give(1);
    for await (const batch of inBatches(source, 2)) {
      assert.deepEqual(batch, [1]);
      break;
    }
    source.give(2, 3, 4, 5);
    await turn();
    assert.ok(source.taken <= 2);
  });
});
