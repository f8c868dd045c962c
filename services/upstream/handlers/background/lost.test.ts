import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import { type BackgroundChunk, type Target, UsageEvent } from '@tollgate/contracts';
import { addLostAttempt } from './lost.ts';

const snapshot = resolveConfig(
  parseConfigFile(`
organization: acme
priceList:
  gpt-4o: { prompt: 2, completion: 10 }
  gpt-4o-mini: { prompt: 1, completion: 5 }
providers:
  - { name: azure, type: azure-openai, endpoint: "https://example.org", models: [gpt-4o, gpt-4o-mini] }
projects:
  - name: sample
    teams: [{ name: engineering }]
    proxies: [{ name: proxy, version: v1.0, context: /proxy, provider: azure, default: true, guardrails: [] }]
`),
  1,
  0,
);
const target = (model: string): Target => ({
  ...{ provider: 'azure', model, deployment: model, baseModel: model, region: '', probe: false },
});
const dispatch = { targets: [target('gpt-4o'), target('gpt-4o-mini')], bodyBytes: 4000 };
const chunk = (textBytes: number): BackgroundChunk => ({
  ...{ run: 1, number: 1, content: new Uint8Array(), nextSequence: 9, textBytes, target: target('gpt-4o-mini') },
});

function rowWith(receipt: object): UsageEvent {
  return {
    ...UsageEvent.decode(new Uint8Array()),
    receipt: { estimatedPromptTokens: 900, ...receipt } as UsageEvent['receipt'],
  };
}

test('of a run that wrote nothing its first target has had the prompt', () => {
  const row = rowWith({});
  addLostAttempt(row, dispatch, undefined, snapshot);
  const [attempt] = row.attempts;
  assert.deepEqual([attempt?.model, attempt?.httpStatus, attempt?.code], ['gpt-4o', 0, 'gateway_interrupted']);
  assert.deepEqual([row.billed?.prompt, row.billed?.completion, row.estimated], [900, 0, true]);
  assert.equal(row.costNanoUsd, 900 * 2000);
});

test('what is kept of its text counts, for the model that wrote it, beside what was charged before', () => {
  const row = rowWith({});
  addLostAttempt(row, dispatch, chunk(400), snapshot);
  addLostAttempt(row, dispatch, chunk(40), snapshot);
  assert.deepEqual([row.attempts.length, row.billed?.prompt, row.billed?.completion], [2, 1800, 110]);
  assert.equal(row.costNanoUsd, 1800 * 1000 + 110 * 5000);
  assert.equal(row.attempts[0]?.httpStatus, 200);
});

test('under a strict limit it is as much as may be', () => {
  const row = rowWith({ outputTokensMax: 500, estimatedCompletionTokens: 500 });
  addLostAttempt(row, dispatch, chunk(400), snapshot);
  assert.deepEqual([row.billed?.prompt, row.billed?.completion], [900, 500]);
});
