import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ThinkingWish, thinkingOf } from './thinking.ts';

const wish = (fields: Partial<ThinkingWish>): ThinkingWish => ({
  baseModel: 'claude-sonnet-4-5',
  effort: undefined,
  effortPath: 'reasoning_effort',
  own: undefined,
  visible: true,
  maxTokens: undefined,
  outputTokensMax: undefined,
  forced: false,
  callsWithoutThought: false,
  ...fields,
});
const of = (fields: Partial<ThinkingWish>) => thinkingOf(wish(fields));
const budget = (tokens: number) => ({ type: 'enabled', budget_tokens: tokens });

test('nothing is thought without being asked for', () => {
  assert.deepEqual(of({}), { max_tokens: 8192 });
  assert.deepEqual(of({ effort: 'none' }), { max_tokens: 8192 });
  assert.deepEqual(of({ effort: null, outputTokensMax: 100 }), { max_tokens: 100 });
});

test('a budget, with room for the answer beside it', () => {
  assert.deepEqual(of({ effort: 'low' }), { max_tokens: 8192 + 2048, thinking: budget(2048) });
  assert.deepEqual(of({ effort: 'high', maxTokens: 8000 }), { max_tokens: 8000, thinking: budget(4000) });
  assert.deepEqual(of({ effort: 'minimal', outputTokensMax: 64_000 }), { max_tokens: 64_000, thinking: budget(1024) });
});

test('no budget where Anthropic refuses one', () => {
  const none = { max_tokens: 2047 };
  assert.deepEqual(of({ effort: 'high', maxTokens: 2047 }), none, 'less than its least');
  assert.equal(of({ effort: 'high', forced: true }).thinking, undefined);
  assert.equal(of({ effort: 'high', callsWithoutThought: true }).thinking, undefined);
});

test('models that decide by themselves get an effort', () => {
  const thinking = { type: 'adaptive', display: 'summarized' };
  for (const [baseModel, effort, own] of [
    ['claude-opus-4-6', 'high', 'high'],
    ['claude-opus-4-6', 'xhigh', 'high'],
    ['claude-sonnet-4.6', 'minimal', 'low'],
    ['claude-opus-4-7', 'xhigh', 'xhigh'],
    ['claude-sonnet-5', 'medium', 'medium'],
    ['anything-else', 'low', 'low'],
  ] as const) {
    assert.deepEqual(of({ baseModel, effort, maxTokens: 500 }), { max_tokens: 500, effort: own, thinking }, baseModel);
  }
  const later = { baseModel: 'claude-opus-4-7', effort: 'low' };
  assert.deepEqual(of({ ...later, visible: false }).thinking, { type: 'adaptive', display: 'omitted' });
  assert.deepEqual(of({ ...later, callsWithoutThought: true }).thinking, thinking);
  assert.equal(of({ ...later, forced: true }).thinking, undefined);
});

test('models that want a budget, by all the names they have', () => {
  for (const baseModel of [
    'claude-3-7-sonnet-20250219',
    'claude-3-7-sonnet-latest',
    'claude-sonnet-4-20250514',
    'claude-sonnet-4-0',
    'claude-opus-4-1-20250805',
    'claude-opus-4-5',
    'claude-haiku-4-5-20251001',
    'anthropic/claude-haiku-4.5',
  ])
    assert.deepEqual(of({ baseModel, effort: 'low' }).thinking, budget(2048), baseModel);
});

test('Anthropic’s own setting passes as it is, with room beside it', () => {
  const own = { type: 'enabled', budget_tokens: 5000 };
  assert.deepEqual(of({ own, effort: 'low' }), { max_tokens: 13_192, thinking: own });
  assert.deepEqual(of({ own, maxTokens: 6000 }), { max_tokens: 6000, thinking: own });
});
