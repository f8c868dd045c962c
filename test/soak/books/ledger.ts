import { createClient } from '@clickhouse/client';

/** A row of `usage_events` as FINAL leaves it. Money and tokens are whole numbers below 2^53. */
export interface LedgerRow {
  request_id: string;
  version: number;
  team_id: string;
  status: string;
  http_status: number;
  code: string;
  client_request_id: string;
  /** `x-tollgate-metadata` as the lease kept it; empty where only the receipt was known. */
  caller: string;
  proxy: string;
  model: string;
  model_requested: string;
  prompt_tokens: number;
  completion_tokens: number;
  estimated: boolean;
  cost_nano_usd: number;
  /** JSON; empty when nothing was reserved. */
  reservations: string;
  startedAtMs: number;
  finishedAtMs: number;
  attemptModels: string[];
  attemptStatuses: number[];
  attemptCodes: string[];
  attemptPrompts: number[];
  attemptCompletions: number[];
  attemptCosts: number[];
}

/** A rollup's sums, or the rows' own, by what the rollup is grouped by. */
export type Sums = Record<string, { requests: number; prompt: number; completion: number; costNanoUsd: number }>;

export interface Ledger {
  rows: LedgerRow[];
  /** Rows of all versions, repeats too. */
  stored: number;
  hourly: { rollup: Sums; rows: Sums };
  daily: { rollup: Sums; rows: Sums };
}

/** The ledger's engine, asked as an operator does. */
export class LedgerReader {
  readonly #client;

  constructor(url: string) {
    const at = new URL(url);
    const database = at.pathname.slice(1) || 'tollgate';
    at.pathname = '/';
    this.#client = createClient({
      url: at.href,
      database,
      request_timeout: 60_000,
      // Asked a few times in minutes: a connection that is kept meanwhile may be closed while it is written to.
      keep_alive: { enabled: false },
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0, max_execution_time: 60 },
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Repeats and older versions stay beside each other, as they do on a server that merges late. */
  async stopMerges(): Promise<void> {
    for (const table of ['usage_events', 'usage_hourly', 'usage_daily_by_key'])
      await this.#client.command({ query: `SYSTEM STOP MERGES ${table}` });
  }

  /** When the newest row came, milliseconds of the engine's clock. */
  async lastInsertMs(): Promise<number> {
    return this.#figure('SELECT toUnixTimestamp64Milli(max(inserted_at)) AS n FROM usage_events');
  }

  /** What came before is in the rollups. */
  async rolledUpMs(): Promise<number> {
    return this.#figure('SELECT toUnixTimestamp64Milli(max(done_until)) AS n FROM rollup_progress');
  }

  async read(): Promise<Ledger> {
    const sums = `sum(s.prompt_tokens) AS prompt, sum(s.completion_tokens) AS completion, sum(s.cost_nano_usd) AS costNanoUsd`;
    const rollup = (table: string, time: string, by: string) =>
      this.#sums(`SELECT concat(toString(s.${time}), ' ', ${by}) AS name, sum(s.requests) AS requests, ${sums}
        FROM ${table} AS s FINAL GROUP BY name HAVING requests > 0`);
    const rows = (start: string, by: string) =>
      this.#sums(`SELECT concat(toString(toDateTime(${start}(s.started_at), 'UTC')), ' ', ${by}) AS name, count() AS requests, ${sums}
        FROM usage_events AS s FINAL GROUP BY name`);
    const byHour = `concatWithSeparator(' ', s.team_id, s.model, s.status, s.cache_status)`;
    const byDay = `concatWithSeparator(' ', s.team_id, s.key_id, s.model, s.status)`;
    return {
      rows: await this.#rows<LedgerRow>(`SELECT e.request_id AS request_id, e.version AS version, e.team_id AS team_id,
        e.status AS status, e.http_status AS http_status, e.code AS code, e.client_request_id AS client_request_id,
        e.metadata['caller'] AS caller, e.proxy AS proxy, e.model AS model, e.model_requested AS model_requested,
        e.prompt_tokens AS prompt_tokens, e.completion_tokens AS completion_tokens, e.estimated AS estimated,
        e.cost_nano_usd AS cost_nano_usd, e.reservations AS reservations,
        toUnixTimestamp64Milli(e.started_at) AS startedAtMs, toUnixTimestamp64Milli(e.finished_at) AS finishedAtMs,
        e.attempts.model AS attemptModels, e.attempts.http_status AS attemptStatuses, e.attempts.code AS attemptCodes,
        e.attempts.prompt_tokens AS attemptPrompts, e.attempts.completion_tokens AS attemptCompletions,
        e.attempts.cost_nano_usd AS attemptCosts FROM usage_events AS e FINAL`),
      stored: await this.#figure('SELECT count() AS n FROM usage_events'),
      hourly: { rollup: await rollup('usage_hourly', 'hour', byHour), rows: await rows('toStartOfHour', byHour) },
      daily: { rollup: await rollup('usage_daily_by_key', 'day', byDay), rows: await rows('toStartOfDay', byDay) },
    };
  }

  async #figure(query: string): Promise<number> {
    const [row] = await this.#rows<{ n: number }>(query);
    return row?.n ?? 0;
  }

  async #sums(query: string): Promise<Sums> {
    const rows = await this.#rows<{ name: string } & Sums[string]>(query);
    return Object.fromEntries(rows.map(({ name, ...figures }) => [name, figures]));
  }

  async #rows<T>(query: string): Promise<T[]> {
    const result = await this.#client.query({ query, format: 'JSONEachRow' });
    return result.json<T>();
  }
}
