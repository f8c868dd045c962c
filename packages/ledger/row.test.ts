import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Delivery, RequestStatus, Surface, UsageEvent } from '@tollgate/contracts';
import { toUsageRow } from './row.ts';

const tokens = {
  prompt: 100,
  completion: 20,
  cachedPrompt: 10,
  reasoning: 5,
  cacheWritePrompt: 30,
  audioPrompt: 7,
  audioCompletion: 3,
};

const event: UsageEvent = {
  ...UsageEvent.decode(new Uint8Array(0)),
  receipt: {
    requestId: 'r-1',
    organizationId: 'o-1',
    organization: 'org',
    projectId: 'p-1',
    project: 'project',
    teamId: 't-1',
    team: 'team',
    keyId: 'k-1',
    startedAtMs: Date.UTC(2026, 9, 20, 12, 0, 0, 7),
    revision: 4,
    reservations: [],
    estimatedPromptTokens: 0,
    estimatedCompletionTokens: 0,
  },
  version: 3,
  proxy: 'proxy',
  provider: 'azure',
  modelRequested: 'gpt-4o',
  model: 'gpt-4o-mini',
  baseModel: 'gpt-4o-mini',
  surface: Surface.RESPONSES,
  stream: true,
  status: RequestStatus.COMPLETED,
  httpStatus: 200,
  delivered: Delivery.COMPLETE,
  clientRequestId: 'mine',
  attempts: [
    {
      provider: 'azure',
      model: 'gpt-4o',
      deployment: 'd',
      httpStatus: 429,
      code: 'x',
      latencyUs: 12,
      tokens: undefined,
      costNanoUsd: 0,
    },
    {
      provider: 'azure',
      model: 'gpt-4o-mini',
      deployment: 'e',
      httpStatus: 200,
      code: '',
      latencyUs: 34,
      tokens,
      costNanoUsd: 9,
    },
  ],
  billed: tokens,
  served: tokens,
  costNanoUsd: 9,
  savedNanoUsd: 1,
  priceListVersion: 'v1',
  piiEntities: { EMAIL: 2 },
  cacheStatus: 'MISS',
  cacheSimilarity: 0.5,
  stageUs: { auth: 300 },
  latencyMs: 80,
  ttftMs: 40,
  metadata: { ticket: 'T-1' },
  finishedAtMs: Date.UTC(2026, 9, 20, 12, 0, 1),
  guardrailHits: { piiMasking: 1 },
  billing: { serviceTier: 'priority', toolCalls: { web_search: 2 }, unpriced: ['audio_prompt_tokens'] },
};

describe('toUsageRow', () => {
  it('says everything of an event in the names of the table', () => {
    assert.deepEqual(toUsageRow(event, 77), {
      request_id: 'r-1',
      version: 3,
      stream_seq: 77,
      message_rows: 0,
      started_at: '2026-10-20 12:00:00.007',
      finished_at: '2026-10-20 12:00:01.000',
      organization_id: 'o-1',
      organization: 'org',
      project_id: 'p-1',
      project: 'project',
      team_id: 't-1',
      team: 'team',
      key_id: 'k-1',
      proxy: 'proxy',
      revision: 4,
      reservations: '',
      provider: 'azure',
      model_requested: 'gpt-4o',
      model: 'gpt-4o-mini',
      base_model: 'gpt-4o-mini',
      surface: 'responses',
      stream: true,
      status: 'completed',
      http_status: 200,
      code: '',
      delivered: 'complete',
      client_request_id: 'mine',
      'attempts.provider': ['azure', 'azure'],
      'attempts.model': ['gpt-4o', 'gpt-4o-mini'],
      'attempts.deployment': ['d', 'e'],
      'attempts.http_status': [429, 200],
      'attempts.code': ['x', ''],
      'attempts.latency_us': [12, 34],
      'attempts.prompt_tokens': [0, 100],
      'attempts.completion_tokens': [0, 20],
      'attempts.cost_nano_usd': [0, 9],
      prompt_tokens: 100,
      completion_tokens: 20,
      cached_prompt_tokens: 10,
      reasoning_tokens: 5,
      cache_write_prompt_tokens: 30,
      audio_prompt_tokens: 7,
      audio_completion_tokens: 3,
      served_prompt_tokens: 100,
      served_completion_tokens: 20,
      estimated: false,
      cost_nano_usd: 9,
      saved_nano_usd: 1,
      price_list_version: 'v1',
      service_tier: 'priority',
      tool_calls: { web_search: 2 },
      unpriced: ['audio_prompt_tokens'],
      cache_status: 'MISS',
      cache_similarity: 0.5,
      pii_entities: { EMAIL: 2 },
      guardrail_hits: { piiMasking: 1 },
      stage_us: { auth: 300 },
      latency_ms: 80,
      ttft_ms: 40,
      metadata: { ticket: 'T-1' },
    });
  });

  it('has a name for every value of the wire', () => {
    const named = (values: object, of: (value: number) => string) => {
      for (const value of Object.values(values) as number[]) assert.equal(of(value) === '', value === 0, String(value));
    };
    named(RequestStatus, (status) => toUsageRow({ ...event, status: status as RequestStatus }, 1).status);
    named(Surface, (surface) => toUsageRow({ ...event, surface: surface as Surface }, 1).surface);
    named(Delivery, (delivered) => toUsageRow({ ...event, delivered: delivered as Delivery }, 1).delivered);
  });

  it('brings numbers into the range of their columns', () => {
    const odd = {
      ...event,
      latencyMs: 2 ** 40,
      ttftMs: -1,
      costNanoUsd: 1.5,
      httpStatus: 99_999,
      cacheSimilarity: Number.NaN,
    };
    const row = toUsageRow(
      { ...odd, stageUs: { x: Number.NaN }, finishedAtMs: Number.MAX_SAFE_INTEGER, billed: undefined },
      1,
    );
    assert.deepEqual(
      [
        row.latency_ms,
        row.ttft_ms,
        row.cost_nano_usd,
        row.http_status,
        row.cache_similarity,
        row.stage_us,
        row.prompt_tokens,
      ],
      [4_294_967_295, 0, 2, 65_535, 0, { x: 0 }, 0],
    );
    assert.equal(row.finished_at, '2299-12-31 00:00:00.000');
  });

  it('refuses an event that belongs to no row', () => {
    assert.throws(() => toUsageRow({ ...event, receipt: undefined }, 1), TypeError);
    const { receipt } = event;
    assert.throws(() => toUsageRow({ ...event, receipt: receipt && { ...receipt, teamId: '' } }, 1), TypeError);
    assert.throws(() => toUsageRow({ ...event, receipt: receipt && { ...receipt, startedAtMs: 0 } }, 1), TypeError);
  });
});
