import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Claims } from './claims.ts';
import { Generations } from './generations.ts';

test('names are remembered for one to two generations', () => {
  const names = new Generations(100, 10);
  names.add('a', 1000);
  assert.equal(names.has('a', 1150), true);
  assert.equal(names.has('a', 1260), false);
});

test('names are bounded in number, the oldest go', () => {
  const names = new Generations(1000, 2);
  for (const name of ['a', 'b', 'c', 'd', 'e']) names.add(name, 1000);
  assert.equal(names.has('a', 1000), false);
  assert.equal(names.has('e', 1000), true);
});

test('a disowned first dispatch is never taken, its second is', () => {
  const claims = new Claims();
  claims.disown('r', 0);
  assert.equal(claims.judge('r', 1, 60_000), 'disowned');
  assert.equal(claims.judge('r', 2, 60_000), 'new');
});

test('what is or was owned is accepted again, not taken again', () => {
  const claims = new Claims();
  assert.equal(claims.judge('r', 1, 0), 'new');
  claims.own('r');
  assert.equal(claims.judge('r', 2, 1), 'repeated');
  claims.ended('r', 1000);
  assert.equal(claims.judge('r', 2, 3000), 'repeated');
  assert.equal(claims.isOurs('r', 3000), true);
});
