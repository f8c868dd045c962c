import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, RequestStatus, UsageEvent } from '@tollgate/contracts';
import { addAttempt, endRow } from './row.ts';
import { noTokens } from './usage.ts';

const attempt = (prompt: number, costNanoUsd: number) => ({
  provider: 'azure',
  model: 'gpt-4o',
  deployment: 'd',
  httpStatus: 200,
  code: '',
  latencyUs: 1,
  tokens: { prompt, completion: 1, cachedPrompt: 0, reasoning: 0 },
  costNanoUsd,
});
const target = { provider: 'azure', model: 'gpt-4o', deployment: 'd', baseModel: 'gpt-4o', region: '', probe: false };
const end = {
  status: RequestStatus.COMPLETED,
  httpStatus: 200,
  code: '',
  delivered: Delivery.COMPLETE,
  target,
  served: noTokens,
  firstContentAtMs: 1200,
  upstreamUs: 1234.6,
  nowMs: 1500,
};
// An empty message holds the defaults; the receipt alone matters here.
const row = (): UsageEvent => {
  const event = UsageEvent.decode(new Uint8Array());
  event.receipt = { ...emptyReceipt, startedAtMs: 1000 };
  return event;
};
const emptyReceipt = {
  requestId: 'r',
  organizationId: 'o',
  organization: 'o',
  projectId: 'p',
  project: 'p',
  teamId: 't',
  team: 't',
  keyId: 'k',
  startedAtMs: 0,
  revision: 1,
  reservations: [],
  estimatedPromptTokens: 0,
  estimatedCompletionTokens: 0,
};

test('billed is the sum over attempts, failed ones too', () => {
  const event = row();
  addAttempt(event, attempt(10, 100), false);
  addAttempt(event, attempt(20, 200), false);
  assert.deepEqual(event.billed, { prompt: 30, completion: 2, cachedPrompt: 0, reasoning: 0 });
  assert.equal(event.costNanoUsd, 300);
  assert.equal(event.attempts.length, 2);
});

test('measured is 3, estimated is 2, cancelled is never the last word', () => {
  assert.equal(endRow(row(), end).version, 3);
  const estimated = row();
  addAttempt(estimated, attempt(10, 100), true);
  assert.equal(endRow(estimated, end).version, 2);
  assert.equal(endRow(row(), { ...end, status: RequestStatus.CANCELLED }).version, 2);
});

test('times count from the arrival at ingress', () => {
  const event = endRow(row(), end);
  assert.equal(event.latencyMs, 500);
  assert.equal(event.ttftMs, 200);
  assert.equal(event.stageUs.upstream, 1235);
  assert.equal(endRow(row(), { ...end, firstContentAtMs: 0 }).ttftMs, 0);
});

test('nothing served: no model, but the provider that was tried last', () => {
  const event = row();
  addAttempt(event, attempt(0, 0), false);
  const ended = endRow(event, { ...end, target: undefined, status: RequestStatus.FAILED });
  assert.equal(ended.model, '');
  assert.equal(ended.provider, 'azure');
});
