import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFigure, formatShare, formatTick } from './figures.ts';

test('figures are exact, ticks are short', () => {
  assert.equal(formatFigure('tokens', 1_234_567), '1,234,567');
  assert.equal(formatFigure('costNanoUsd', 450_001), '$0.000450001');
  assert.equal(formatTick('tokens', 1_250_000), '1.3M');
  assert.equal(formatTick('costNanoUsd', 450_001), '$0.00045');
  assert.equal(formatTick('costNanoUsd', 12_000_000_000_000), '$12,000');
});

test('a share of nothing is no number', () => {
  assert.equal(formatShare(1, 8), '12.5%');
  assert.equal(formatShare(0, 0), '–');
});
