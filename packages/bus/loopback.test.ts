import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Beat, Entry } from '@tollgate/contracts';
import { type Hearer, Loopback } from './loopback.ts';

const entry = (requestId: string): Entry => ({
  requestId,
  body: { $case: 'cancel', value: { reason: 'client_gone' } },
});
const beat: Beat = { streams: [], answer: true };

function hearer() {
  const heard: { from: string; entries: readonly Entry[]; beat: Beat | undefined }[] = [];
  const hear: Hearer['hear'] = (from, entries, said) => heard.push({ from, entries, beat: said });
  return { heard, hear };
}

test('what is said to an inbox of this process is heard there, as it is, behind the step that says it', async () => {
  const loopback = new Loopback();
  const ingress = hearer();
  loopback.hearAt('ingress', ingress);
  const entries = [entry('a'), entry('b')];
  assert.equal(loopback.say('ingress', 'pipeline', entries, undefined), true);
  assert.equal(loopback.say('ingress', 'pipeline', [], beat), true);
  assert.equal(ingress.heard.length, 0);
  await Promise.resolve();
  assert.deepEqual(ingress.heard, [
    { from: 'pipeline', entries, beat: undefined },
    { from: 'pipeline', entries: [], beat },
  ]);
  assert.equal(ingress.heard[0]?.entries, entries);
});

test('an inbox that is not here, or no more, is nobody’s', async () => {
  const loopback = new Loopback();
  const ingress = hearer();
  const leave = loopback.hearAt('ingress', ingress);
  assert.equal(loopback.say('ingress-2', 'pipeline', [entry('a')], undefined), false);
  assert.equal(loopback.say('ingress', 'pipeline', [entry('b')], undefined), true);
  leave();
  assert.equal(loopback.say('ingress', 'pipeline', [entry('c')], undefined), false);
  await Promise.resolve();
  // It was told that b is on its way.
  assert.deepEqual(
    ingress.heard.flatMap(({ entries }) => entries.map(({ requestId }) => requestId)),
    ['b'],
  );
});

test('work goes to the taker of its subject, in order, and nowhere once that has closed', async () => {
  const loopback = new Loopback();
  const taken: number[] = [];
  const leave = loopback.take('work', ([number = -1]) => taken.push(number));
  assert.equal(loopback.offer('other work', Uint8Array.of(0)), false);
  for (const number of [1, 2, 3]) assert.equal(loopback.offer('work', Uint8Array.of(number)), true);
  assert.deepEqual(taken, []);
  // Closed between the offer and its delivery: who offered it was told that it is taken.
  leave();
  assert.equal(loopback.offer('work', Uint8Array.of(4)), false);
  await Promise.resolve();
  assert.deepEqual(taken, [1, 2, 3]);
});

test('a taker that comes takes the place of the one before, whose end then changes nothing', async () => {
  const loopback = new Loopback();
  const taken: string[] = [];
  const leave = loopback.take('work', () => taken.push('first'));
  const leaveSecond = loopback.take('work', () => taken.push('second'));
  leave();
  assert.equal(loopback.offer('work', new Uint8Array(0)), true);
  await Promise.resolve();
  assert.deepEqual(taken, ['second']);
  leaveSecond();
  assert.equal(loopback.offer('work', new Uint8Array(0)), false);
});
