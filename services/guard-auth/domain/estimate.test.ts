import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestStatus } from '@tollgate/contracts';
import { measured, receipt } from '../testing/harness.ts';
import { CompletionMeans } from './completion-means.ts';
import { type EstimateInput, estimateTokens } from './estimate.ts';

const estimate = (change: Partial<EstimateInput> = {}) =>
  estimateTokens({
    bodyBytes: 401,
    outputTokensMax: 0,
    choices: 1,
    generates: true,
    completionTokensMean: undefined,
    ...change,
  });

describe('estimates', () => {
  test('a token for four bytes, rounded up, and a long answer by default', () => {
    assert.deepEqual(estimate(), { promptTokens: 101, completionTokens: 1024, guessed: true });
  });

  test("the caller's limit, for each of the choices", () => {
    const asked = estimate({ outputTokensMax: 50, choices: 3 });
    assert.deepEqual(asked, { promptTokens: 101, completionTokens: 150, guessed: false });
  });

  test('twice what the model usually answers, at most what the caller allows', () => {
    assert.equal(estimate({ completionTokensMean: 30.4 }).completionTokens, 61);
    const both = estimate({ completionTokensMean: 30, outputTokensMax: 4000 });
    assert.deepEqual([both.completionTokens, both.guessed], [60, true]);
    const tight = estimate({ completionTokensMean: 30, outputTokensMax: 10 });
    assert.deepEqual([tight.completionTokens, tight.guessed], [10, false]);
  });

  test('no completion where nothing is generated; none given counts as one choice', () => {
    assert.equal(estimate({ generates: false }).completionTokens, 0);
    assert.equal(estimate({ choices: 0, outputTokensMax: 5 }).completionTokens, 5);
  });
});

describe('means', () => {
  const event = (model: string, tokens: number, status: RequestStatus = RequestStatus.COMPLETED) =>
    measured(receipt('r'), 10, tokens, { model, status });

  function learned(model: string, times: number, tokens: number, means = new CompletionMeans()): CompletionMeans {
    for (let at = 0; at < times; at++) means.learn(event(model, tokens));
    return means;
  }

  test('are trusted after twenty requests', () => {
    const means = learned('a', 19, 40);
    assert.equal(means.mean(['a']), undefined);
    assert.equal(learned('a', 1, 40, means).mean(['a']), 40);
  });

  test('follow a model that answers differently now', () => {
    const means = learned('a', 1000, 100, learned('a', 1000, 10));
    assert.ok((means.mean(['a']) ?? 0) > 90);
  });

  test('of several models: the highest, once all are known', () => {
    const means = learned('b', 20, 70, learned('a', 20, 40));
    assert.equal(means.mean(['a', 'b']), 70);
    assert.equal(means.mean(['a', 'c']), undefined);
  });

  test('learn nothing from failures, estimates and cached answers', () => {
    const means = new CompletionMeans();
    for (let at = 0; at < 30; at++) {
      means.learn(event('a', 1, RequestStatus.CACHED));
      means.learn(event('a', 1, RequestStatus.FAILED));
      means.learn({ ...event('a', 1), estimated: true });
    }
    assert.equal(means.mean(['a']), undefined);
  });
});
