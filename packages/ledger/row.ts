import { Delivery, type Receipt, RequestStatus, Surface, type TokenCounts, type UsageEvent } from '@tollgate/contracts';

/** One version of a request's row, as table `usage_events` takes it. Columns that are empty or 0 by default may be left out there, here they stand. */
export interface UsageRow {
  request_id: string;
  /** 1 abandoned, 2 estimated, 3 measured; the highest stands. */
  version: number;
  /** Sequence of the message in USAGE. */
  stream_seq: number;
  /** Requests whose rows came with that message, this one too; 0 = not told. */
  message_rows: number;
  /** UTC, `2026-11-23 10:11:12.123`; ingress's clock. Part of the sorting key, the same in every version. */
  started_at: string;
  finished_at: string;
  organization_id: string;
  organization: string;
  project_id: string;
  project: string;
  team_id: string;
  team: string;
  key_id: string;
  proxy: string;
  revision: number;
  /** JSON of the receipt's reservations; empty when nothing was reserved. */
  reservations: string;
  provider: string;
  model_requested: string;
  model: string;
  base_model: string;
  surface: SurfaceName;
  stream: boolean;
  status: StatusName;
  http_status: number;
  code: string;
  delivered: DeliveryName;
  client_request_id: string;
  'attempts.provider': string[];
  'attempts.model': string[];
  'attempts.deployment': string[];
  'attempts.http_status': number[];
  'attempts.code': string[];
  'attempts.latency_us': number[];
  'attempts.prompt_tokens': number[];
  'attempts.completion_tokens': number[];
  'attempts.cost_nano_usd': number[];
  /** Billed, the sum over all attempts; 0 for cache hits. */
  prompt_tokens: number;
  completion_tokens: number;
  /** Part of prompt_tokens. */
  cached_prompt_tokens: number;
  /** Part of completion_tokens. */
  reasoning_tokens: number;
  /** Billed, part of prompt_tokens: written to the provider's own cache. */
  cache_write_prompt_tokens: number;
  /** Billed, part of prompt_tokens. */
  audio_prompt_tokens: number;
  /** Billed, part of completion_tokens. */
  audio_completion_tokens: number;
  /** What the caller got, from the provider or the cache. */
  served_prompt_tokens: number;
  served_completion_tokens: number;
  estimated: boolean;
  /** US dollars × 10^9. */
  cost_nano_usd: number;
  saved_nano_usd: number;
  price_list_version: string;
  /** As the provider named it; empty when none did. */
  service_tier: string;
  /** Calls of the provider's own tools, by tool, over all attempts. */
  tool_calls: Record<string, number>;
  /** What the price list's fallback was charged for. */
  unpriced: string[];
  cache_status: string;
  cache_similarity: number;
  pii_entities: Record<string, number>;
  guardrail_hits: Record<string, number>;
  /** Microseconds by stage. */
  stage_us: Record<string, number>;
  latency_ms: number;
  /** 0 when there was no content. */
  ttft_ms: number;
  metadata: Record<string, string>;
}

type SurfaceName =
  | 'chat_completions'
  | 'responses'
  | 'stored_responses'
  | 'embeddings'
  | 'models'
  | 'messages'
  | 'count_tokens'
  | '';
export type StatusName =
  | 'completed'
  | 'cached'
  | 'refused'
  | 'failed'
  | 'cancelled'
  | 'truncated'
  | 'abandoned'
  | 'replayed'
  | '';
type DeliveryName = 'complete' | 'partial' | 'none' | '';

const SURFACES: Readonly<Record<number, SurfaceName>> = {
  [Surface.CHAT_COMPLETIONS]: 'chat_completions',
  [Surface.RESPONSES]: 'responses',
  [Surface.EMBEDDINGS]: 'embeddings',
  [Surface.MODELS]: 'models',
  [Surface.MESSAGES]: 'messages',
  [Surface.STORED_RESPONSES]: 'stored_responses',
  [Surface.COUNT_TOKENS]: 'count_tokens',
};

const STATUSES: Readonly<Record<number, StatusName>> = {
  [RequestStatus.COMPLETED]: 'completed',
  [RequestStatus.CACHED]: 'cached',
  [RequestStatus.REFUSED]: 'refused',
  [RequestStatus.FAILED]: 'failed',
  [RequestStatus.CANCELLED]: 'cancelled',
  [RequestStatus.TRUNCATED]: 'truncated',
  [RequestStatus.ABANDONED]: 'abandoned',
  [RequestStatus.REPLAYED]: 'replayed',
};

const DELIVERIES: Readonly<Record<number, DeliveryName>> = {
  [Delivery.COMPLETE]: 'complete',
  [Delivery.PARTIAL]: 'partial',
  [Delivery.NONE]: 'none',
};

const NO_TOKENS: TokenCounts = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };

/**
 * The row of one usage event. Total: every number is brought into its column's range, for a row that ClickHouse refuses would stop
 * all that come after it.
 * @throws TypeError without the receipt's request id, team or start: such an event can belong to no row
 */
export function toUsageRow(event: UsageEvent, streamSeq: number): UsageRow {
  const receipt = event.receipt;
  if (!receipt?.requestId || !receipt.teamId || !(receipt.startedAtMs > 0)) {
    throw new TypeError('a usage event needs a receipt with request id, team and start');
  }
  const billed = event.billed ?? NO_TOKENS;
  const served = event.served ?? NO_TOKENS;
  return {
    request_id: receipt.requestId,
    version: within(event.version, 255),
    stream_seq: within(streamSeq),
    message_rows: 0,
    started_at: utc(receipt.startedAtMs),
    finished_at: utc(event.finishedAtMs),
    ...identity(receipt),
    proxy: event.proxy,
    reservations: receipt.reservations.length === 0 ? '' : JSON.stringify(receipt.reservations),
    provider: event.provider,
    model_requested: event.modelRequested,
    model: event.model,
    base_model: event.baseModel,
    surface: SURFACES[event.surface] ?? '',
    stream: event.stream,
    status: STATUSES[event.status] ?? '',
    http_status: within(event.httpStatus, 65_535),
    code: event.code,
    delivered: DELIVERIES[event.delivered] ?? '',
    client_request_id: event.clientRequestId,
    ...attempts(event),
    prompt_tokens: within(billed.prompt),
    completion_tokens: within(billed.completion),
    cached_prompt_tokens: within(billed.cachedPrompt),
    reasoning_tokens: within(billed.reasoning),
    cache_write_prompt_tokens: within(billed.cacheWritePrompt ?? 0),
    audio_prompt_tokens: within(billed.audioPrompt ?? 0),
    audio_completion_tokens: within(billed.audioCompletion ?? 0),
    served_prompt_tokens: within(served.prompt),
    served_completion_tokens: within(served.completion),
    estimated: event.estimated,
    cost_nano_usd: within(event.costNanoUsd),
    saved_nano_usd: within(event.savedNanoUsd),
    price_list_version: event.priceListVersion,
    service_tier: event.billing?.serviceTier ?? '',
    tool_calls: counts(event.billing?.toolCalls ?? {}),
    unpriced: event.billing?.unpriced ?? [],
    cache_status: event.cacheStatus,
    cache_similarity: Number.isFinite(event.cacheSimilarity) ? event.cacheSimilarity : 0,
    pii_entities: counts(event.piiEntities),
    guardrail_hits: counts(event.guardrailHits),
    stage_us: counts(event.stageUs),
    latency_ms: within(event.latencyMs, UINT32_MAX),
    ttft_ms: within(event.ttftMs, UINT32_MAX),
    metadata: event.metadata,
  };
}

function identity(receipt: Receipt) {
  return {
    organization_id: receipt.organizationId,
    organization: receipt.organization,
    project_id: receipt.projectId,
    project: receipt.project,
    team_id: receipt.teamId,
    team: receipt.team,
    key_id: receipt.keyId,
    revision: within(receipt.revision),
  };
}

function attempts({ attempts }: UsageEvent) {
  return {
    'attempts.provider': attempts.map((attempt) => attempt.provider),
    'attempts.model': attempts.map((attempt) => attempt.model),
    'attempts.deployment': attempts.map((attempt) => attempt.deployment),
    'attempts.http_status': attempts.map((attempt) => within(attempt.httpStatus, 65_535)),
    'attempts.code': attempts.map((attempt) => attempt.code),
    'attempts.latency_us': attempts.map((attempt) => within(attempt.latencyUs)),
    'attempts.prompt_tokens': attempts.map((attempt) => within(attempt.tokens?.prompt ?? 0)),
    'attempts.completion_tokens': attempts.map((attempt) => within(attempt.tokens?.completion ?? 0)),
    'attempts.cost_nano_usd': attempts.map((attempt) => within(attempt.costNanoUsd)),
  };
}

const UINT32_MAX = 2 ** 32 - 1;

/** A whole number from 0 to `max`. */
function within(value: number, max = Number.MAX_SAFE_INTEGER): number {
  return Number.isFinite(value) ? Math.min(max, Math.max(0, Math.round(value))) : 0;
}

function counts(map: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, within(value, UINT32_MAX)]));
}

/** The range of DateTime64(3); 0 where none was given. */
const TIME_MS_MAX = Date.UTC(2299, 11, 31);

/** As ClickHouse reads a time in UTC: `2026-11-23 10:11:12.123`. */
export function utc(ms: number): string {
  return new Date(within(ms, TIME_MS_MAX)).toISOString().replace('T', ' ').replace('Z', '');
}
