import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costNanoUsd } from './cost.ts';

const gpt4o = {
  promptNanoPerMillion: 2_500_000_000,
  cachedPromptNanoPerMillion: 1_250_000_000,
  completionNanoPerMillion: 10_000_000_000,
};

const tokens = (prompt: number, completion = 0, cachedPrompt = 0) => ({ prompt, completion, cachedPrompt });

test('a million tokens cost what the price list says', () => {
  assert.equal(costNanoUsd(gpt4o, tokens(1_000_000)), 2_500_000_000);
  assert.equal(costNanoUsd(gpt4o, tokens(0, 1_000_000)), 10_000_000_000);
});

test('cached tokens are part of the prompt', () => {
  assert.equal(costNanoUsd(gpt4o, tokens(1000, 0, 400)), 600 * 2500 + 400 * 1250);
  // More cached than there are in all: a provider's mistake must not make the rest negative.
  assert.equal(costNanoUsd(gpt4o, tokens(100, 0, 400)), 100 * 1250);
});

test('it is rounded once, half up', () => {
  const price = (nanoPerMillion: number) => ({
    promptNanoPerMillion: nanoPerMillion,
    cachedPromptNanoPerMillion: 0,
    completionNanoPerMillion: nanoPerMillion,
  });
  assert.equal(costNanoUsd(price(499_999), tokens(1)), 0);
  assert.equal(costNanoUsd(price(500_000), tokens(1)), 1);
  assert.equal(costNanoUsd(price(250_000), tokens(1, 1)), 1);
  assert.equal(costNanoUsd(price(1_499_999), tokens(1)), 1);
});

test('it is exact where floating point is not, and bounded', () => {
  const dear = { ...gpt4o, promptNanoPerMillion: 99_999_999_999_999 };
  assert.equal(costNanoUsd(dear, tokens(77_777_777)), 7_777_777_699_999_922);
  assert.equal(costNanoUsd(dear, tokens(1_000_000_000_000)), Number.MAX_SAFE_INTEGER);
});
