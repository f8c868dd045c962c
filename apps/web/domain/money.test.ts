import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digitsFor, formatNanoUsd } from './money.ts';

for (const [nanoUsd, text] of [
  [0, '$0.00'],
  [1, '$0.000000001'],
  [450_000, '$0.00045'],
  [1_500_000_000, '$1.50'],
  [1_234_567_000_000_001, '$1,234,567.000000001'],
  [Number.MAX_SAFE_INTEGER, '$9,007,199.254740991'],
  [-30_000_000, '-$0.03'],
] as const) {
  test(`${nanoUsd} nano-dollars are ${text}`, () => assert.equal(formatNanoUsd(nanoUsd), text));
}

test('a column of amounts has one number of digits, so that the points stand below each other', () => {
  const amounts = [1_500_000_000, 450_000, 0];
  const digits = digitsFor(amounts);
  assert.deepEqual(
    amounts.map((amount) => formatNanoUsd(amount, digits)),
    ['$1.50000', '$0.00045', '$0.00000'],
  );
  assert.equal(digitsFor([]), 2);
});

test('too few digits never hide a part', () => assert.equal(formatNanoUsd(450_000, 2), '$0.00045'));
