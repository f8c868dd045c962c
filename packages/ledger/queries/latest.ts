import type { LedgerClient, QueryOptions } from '../client.ts';
import { utc } from '../row.ts';
import { conditions, type UsageFilter } from './filter.ts';

export interface LatestRequest {
  requestId: string;
  startedAtMs: number;
  team: string;
  model: string;
  surface: string;
  stream: boolean;
  status: string;
  httpStatus: number;
  code: string;
  promptTokens: number;
  completionTokens: number;
  costNanoUsd: number;
  cacheStatus: string;
  latencyMs: number;
}

export interface LatestQuestion extends QueryOptions {
  filter?: UsageFilter;
  /** At most 500. Default 50. */
  limit?: number;
  /** Not older than this, milliseconds since the epoch; at most a day ago. Default an hour ago. */
  sinceMs?: number;
  nowMs?: number;
}

const HOUR_MS = 3_600_000;

/** The youngest requests, newest first: a bounded window without FINAL, the highest version of each. */
export async function latestRequests(client: LedgerClient, question: LatestQuestion = {}): Promise<LatestRequest[]> {
  const nowMs = question.nowMs ?? Date.now();
  const sinceMs = Math.max(question.sinceMs ?? nowMs - HOUR_MS, nowMs - 24 * HOUR_MS);
  const { sql: where, parameters } = conditions(question.filter ?? {}, 'u');
  return client.rows<LatestRequest>(
    `SELECT u.request_id AS requestId, toUnixTimestamp64Milli(u.started_at) AS startedAtMs, u.team AS team, u.model AS model,
       u.surface AS surface, u.stream AS stream, u.status AS status, u.http_status AS httpStatus, u.code AS code,
       u.prompt_tokens AS promptTokens, u.completion_tokens AS completionTokens, u.cost_nano_usd AS costNanoUsd,
       u.cache_status AS cacheStatus, u.latency_ms AS latencyMs
     FROM usage_events AS u WHERE u.started_at >= {since:DateTime64(3, 'UTC')}${where}
     ORDER BY u.started_at DESC, u.request_id, u.version DESC LIMIT 1 BY u.started_at, u.request_id LIMIT {limit:UInt32}`,
    { ...parameters, since: utc(sinceMs), limit: Math.min(500, Math.max(1, Math.trunc(question.limit ?? 50))) },
    question,
  );
}
