import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker, type Ending, type Passage } from './breaker.ts';

function asking(breaker: Breaker, nowMs: number): Passage {
  const passage = breaker.enter(nowMs);
  if (typeof passage === 'number') assert.fail(`it waits ${passage} ms`);
  return passage;
}
const ask = (breaker: Breaker, ending: Ending, nowMs: number) => asking(breaker, nowMs).end(ending, nowMs);

function open(atMs: number): Breaker {
  const breaker = new Breaker();
  for (let times = 0; times < 3; times++) ask(breaker, 'timed-out', atMs);
  return breaker;
}

test('three time-outs in a row open it for five seconds; an answer between them begins anew', () => {
  const breaker = new Breaker();
  for (const ending of ['timed-out', 'timed-out', 'answered', 'timed-out', 'unknown', 'timed-out'] as const)
    ask(breaker, ending, 1000);
  ask(breaker, 'timed-out', 1000);
  assert.equal(breaker.enter(1000), 5000);
  assert.equal(breaker.enter(5999), 1);
});

test('then one is tried: its answer lets all through, its time-out none', () => {
  const breaker = open(0);
  const trial = asking(breaker, 5000);
  assert.equal(breaker.enter(5000), 5000);
  trial.end('timed-out', 6000);
  assert.equal(breaker.enter(6000), 5000);
  ask(breaker, 'answered', 11_000);
  asking(breaker, 11_000);
  asking(breaker, 11_000);
});

test('a trial whose caller left is no answer: the next one is tried', () => {
  const breaker = open(0);
  ask(breaker, 'unknown', 5000);
  const trial = asking(breaker, 5000);
  assert.equal(breaker.enter(5000), 5000);
  trial.end('answered', 5001);
});

test('what was let through before it opened does not end a trial', () => {
  const breaker = new Breaker();
  const early = asking(breaker, 0);
  for (let times = 0; times < 3; times++) ask(breaker, 'timed-out', 0);
  asking(breaker, 5000);
  early.end('unknown', 5001);
  assert.equal(breaker.enter(5001), 5000);
});
