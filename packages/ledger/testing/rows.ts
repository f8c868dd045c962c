import type { UsageRow } from '../row.ts';
import { utc } from '../row.ts';

/** Noon of a day, so that tests name hours and not epochs. */
export const NOON_MS = Date.UTC(2026, 9, 20, 12);
export const HOUR_MS = 3_600_000;

let made = 0;

/** A measured, completed request of 100 + 20 tokens that cost 1,000 nano-dollars, unless the test says otherwise. */
export function usageRow(more: Partial<UsageRow> & { startedAtMs?: number } = {}): UsageRow {
  const { startedAtMs = NOON_MS, ...columns } = more;
  made++;
  return {
    request_id: `r-${made}`,
    version: 3,
    stream_seq: made,
    message_rows: 0,
    started_at: utc(startedAtMs),
    finished_at: utc(startedAtMs + 500),
    organization_id: 'o-1',
    organization: 'sampleorganization',
    project_id: 'p-1',
    project: 'sample-project',
    team_id: 't-1',
    team: 'engineering',
    key_id: 'k-1',
    proxy: 'enterprise-llm-proxy',
    revision: 1,
    reservations: '[{"quantity":"tokens"}]',
    provider: 'azure-openai',
    model_requested: 'gpt-4o',
    model: 'gpt-4o',
    base_model: 'gpt-4o',
    surface: 'chat_completions',
    stream: false,
    status: 'completed',
    http_status: 200,
    code: '',
    delivered: 'complete',
    client_request_id: '',
    'attempts.provider': ['azure-openai'],
    'attempts.model': ['gpt-4o'],
    'attempts.deployment': ['gpt-4o'],
    'attempts.http_status': [200],
    'attempts.code': [''],
    'attempts.latency_us': [400_000],
    'attempts.prompt_tokens': [100],
    'attempts.completion_tokens': [20],
    'attempts.cost_nano_usd': [1000],
    prompt_tokens: 100,
    completion_tokens: 20,
    cached_prompt_tokens: 10,
    reasoning_tokens: 5,
    cache_write_prompt_tokens: 0,
    audio_prompt_tokens: 0,
    audio_completion_tokens: 0,
    served_prompt_tokens: 100,
    served_completion_tokens: 20,
    estimated: false,
    cost_nano_usd: 1000,
    saved_nano_usd: 0,
    price_list_version: 'v1',
    service_tier: '',
    tool_calls: {},
    unpriced: [],
    cache_status: 'MISS',
    cache_similarity: 0,
    pii_entities: {},
    guardrail_hits: {},
    stage_us: { queue: 1500, upstream: 400_000 },
    latency_ms: 500,
    ttft_ms: 0,
    metadata: {},
    ...columns,
  };
}

/** Numbers from 0 to 1 that a seed repeats. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
