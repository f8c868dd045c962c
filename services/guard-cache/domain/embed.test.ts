import assert from 'node:assert/strict';
import { test } from 'node:test';
import { read } from './agree.ts';
import { dimensions, embedLocal } from './embed.ts';

const vector = (text: string) => embedLocal(read(text).tokens);
const cosine = (a: string, b: string) => {
  const other = vector(b);
  return vector(a).reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
};

test('a vector has 256 dimensions and length 1', () => {
  const found = vector('What is the capital of France?');
  assert.equal(found.length, dimensions);
  assert.ok(Math.abs(Math.hypot(...found) - 1) < 1e-6);
});

test('it is the same on every machine and at every start', () => {
  const found = vector('capital of France');
  const places = [...found.keys()].filter((at) => Math.abs(found[at] ?? 0) > 0.3);
  assert.deepEqual(
    places.map((at) => [at, found[at]?.toFixed(4)]),
    [
      [74, '-0.5995'],
      [205, '0.5995'],
    ],
  );
});

test('the same words are at 1 in any order, few common words far below the threshold', () => {
  assert.ok(cosine('Convert euros to dollars', 'Convert dollars to euros') > 0.999);
  assert.ok(cosine('What is the capital of France?', 'What is the capital of Italy?') < 0.8);
  assert.ok(cosine('What is the capital of France?', 'How do I sort a list in Python?') < 0.3);
});

test('inflected words lie near each other', () => {
  assert.ok(cosine('sorting lists', 'sorting list') > 0.95);
  assert.ok(cosine('sorting lists', 'sorted lists') > cosine('sorting lists', 'boiled lists'));
});
