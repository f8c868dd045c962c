import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestStatus } from '@tollgate/contracts';
import { measured, receipt } from '../testing/harness.ts';
import { type EstimateInput, estimateTokens } from './estimate.ts';
import { ModelMeasures } from './model-measures.ts';

const estimate = (change: Partial<EstimateInput> = {}) =>
  estimateTokens({
    bodyBytes: 401,
    outputTokensMax: 0,
    choices: 1,
    generates: true,
    measured: { completionTokens: undefined, promptTokensPerByte: undefined },
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

  test('what the model usually answers, at most what the caller allows', () => {
    const measured = { completionTokens: 30.4, promptTokensPerByte: undefined };
    assert.equal(estimate({ measured }).completionTokens, 31);
    const both = estimate({ measured, outputTokensMax: 4000 });
    assert.deepEqual([both.completionTokens, both.guessed], [31, true]);
    const tight = estimate({ measured, outputTokensMax: 10 });
    assert.deepEqual([tight.completionTokens, tight.guessed], [10, false]);
  });

  test('as many tokens a byte as the model usually reads', () => {
    const measured = { completionTokens: undefined, promptTokensPerByte: 0.1 };
    assert.equal(estimate({ measured }).promptTokens, 41);
    assert.equal(estimate({ measured, generates: false }).promptTokens, 41);
  });

  test('no completion where nothing is generated; none given counts as one choice', () => {
    assert.equal(estimate({ generates: false }).completionTokens, 0);
    assert.equal(estimate({ choices: 0, outputTokensMax: 5 }).completionTokens, 5);
  });
});

describe('measures', () => {
  const event = (model: string, tokens: number, status: RequestStatus = RequestStatus.COMPLETED, bodyBytes = 100) =>
    measured({ ...receipt('r'), bodyBytes }, 10, tokens, { model, status });
  const isNear = (actual: number | undefined, expected: number) =>
    assert.ok(
      actual !== undefined && actual >= expected && actual <= expected * 1.1001,
      `${actual} is not ${expected}`,
    );

  function learned(model: string, times: number, tokens: number, measures = new ModelMeasures()): ModelMeasures {
    for (let at = 0; at < times; at++) measures.learn(event(model, tokens));
    return measures;
  }

  test('are trusted after twenty requests', () => {
    const measures = learned('a', 19, 40);
    assert.equal(measures.completionTokens(['a']), undefined);
    isNear(learned('a', 1, 40, measures).completionTokens(['a']), 40);
  });

  test('follow a model that answers differently now', () => {
    isNear(learned('a', 1000, 100, learned('a', 1000, 10)).completionTokens(['a']), 100);
  });

  test('of several models: the highest, once all are known', () => {
    const measures = learned('b', 20, 70, learned('a', 20, 40));
    isNear(measures.completionTokens(['a', 'b']), 70);
    assert.equal(measures.completionTokens(['a', 'c']), undefined);
  });

  test('tokens of a prompt by the bytes of its body, where these are known', () => {
    const measures = learned('a', 20, 40);
    isNear(measures.promptTokensPerByte(['a']), 0.1);
    const before = new ModelMeasures();
    for (let at = 0; at < 30; at++) before.learn({ ...event('a', 1), receipt: receipt('r') });
    assert.equal(before.promptTokensPerByte(['a']), undefined);
  });

  test('texts among images are not taken for images', () => {
    const measures = new ModelMeasures();
    for (let at = 0; at < 100; at++)
      measures.learn(event('a', 1, RequestStatus.COMPLETED, at % 4 === 0 ? 40 : 100_000));
    isNear(measures.promptTokensPerByte(['a']), 0.25);
  });

  test('learn nothing from failures, estimates and cached answers', () => {
    const measures = new ModelMeasures();
    for (let at = 0; at < 30; at++) {
      measures.learn(event('a', 1, RequestStatus.CACHED));
      measures.learn(event('a', 1, RequestStatus.FAILED));
      measures.learn({ ...event('a', 1), estimated: true });
    }
    assert.equal(measures.completionTokens(['a']), undefined);
  });
});
