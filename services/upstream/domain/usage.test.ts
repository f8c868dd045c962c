import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUsage } from './usage.ts';

test('chat and responses say the same in other words', () => {
  const chat = {
    prompt_tokens: 100,
    completion_tokens: 40,
    total_tokens: 140,
    prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 8, accepted_prediction_tokens: 3 },
  };
  const responses = {
    input_tokens: 100,
    output_tokens: 40,
    total_tokens: 140,
    input_tokens_details: { cached_tokens: 64 },
    output_tokens_details: { reasoning_tokens: 8 },
  };
  const tokens = { prompt: 100, completion: 40, cachedPrompt: 64, reasoning: 8 };
  assert.deepEqual(readUsage(chat), { tokens, unpriced: [] });
  assert.deepEqual(readUsage(responses), { tokens, unpriced: [] });
});

test('parts are never larger than what they are part of', () => {
  const usage = readUsage({ prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 9 } });
  assert.equal(usage?.tokens.cachedPrompt, 5);
});

test('tokens without a price of their own are told', () => {
  const usage = readUsage({ prompt_tokens: 5, completion_tokens: 2, completion_tokens_details: { audio_tokens: 2 } });
  assert.deepEqual(usage?.unpriced, ['audio_tokens']);
});

test('what is no usage is undefined', () => {
  for (const value of [null, undefined, {}, { prompt_tokens: -1 }, { prompt_tokens: '5' }, { prompt_tokens: 1.5 }]) {
    assert.equal(readUsage(value), undefined);
  }
});
