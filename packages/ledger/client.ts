import type { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseLogLevel, type ClickHouseSettings, createClient } from '@clickhouse/client';

export type QueryParameters = Record<string, unknown>;

export interface LedgerOptions {
  /** `http(s)://user:password@host:port/database`; the database is `tollgate` unless it names another. Never logged. */
  url: string;
  /** Who asks, as ClickHouse's query log shows it. */
  application?: string;
  /** Of one request, milliseconds. Default 30,000. */
  requestTimeoutMs?: number;
  /** Requests at a time; further ones wait in the client. Default 10. */
  connectionsMax?: number;
}

export interface QueryOptions {
  settings?: ClickHouseSettings;
  signal?: AbortSignal;
}

const DEFAULT_DATABASE = 'tollgate';

/** Of a query that does not say otherwise, seconds. */
const EXECUTION_SECONDS_MAX = 20;

/**
 * The ledger's connection to ClickHouse: over HTTP, with keep-alive, values always bound and never part of a statement.
 * 64-bit integers come as numbers: sums are exact up to 2^53, for money 9,007,199 dollars.
 */
export class LedgerClient {
  readonly database: string;
  readonly #client: ClickHouseClient;
  readonly #url: string;

  constructor(options: LedgerOptions) {
    const url = new URL(options.url);
    const path = decodeURIComponent(url.pathname.replace(/^\//, ''));
    this.database = path === '' ? DEFAULT_DATABASE : path;
    url.pathname = '/';
    this.#url = url.href;
    this.#client = createClient({
      url: this.#url,
      database: this.database,
      application: options.application ?? 'tollgate',
      request_timeout: options.requestTimeoutMs ?? 30_000,
      max_open_connections: options.connectionsMax ?? 10,
      // Errors are thrown; the client would log them with the statement's values.
      log: { level: ClickHouseLogLevel.OFF },
      clickhouse_settings: {
        output_format_json_quote_64bit_integers: 0,
        max_execution_time: EXECUTION_SECONDS_MAX,
        // Rows of one key are never in two partitions: the key holds what the partition follows.
        do_not_merge_across_partitions_select_final: 1,
      },
    });
  }

  /** @throws ClickHouseError from the engine, Error when it is away or the signal fired */
  async rows<T>(query: string, parameters: QueryParameters = {}, options: QueryOptions = {}): Promise<T[]> {
    const result = await this.#client.query({
      query,
      query_params: parameters,
      format: 'JSONEachRow',
      clickhouse_settings: options.settings,
      abort_signal: options.signal,
    });
    return result.json<T>();
  }

  /** A statement without a result. */
  async command(query: string, parameters: QueryParameters = {}, options: QueryOptions = {}): Promise<void> {
    await this.#client.command({
      query,
      query_params: parameters,
      clickhouse_settings: options.settings,
      abort_signal: options.signal,
    });
  }

  /** The result as the engine formats it, as a stream that must be read or destroyed. */
  async raw(query: string, format: string, options: QueryOptions = {}): Promise<Readable> {
    const settings = { ...options.settings, default_format: format } as ClickHouseSettings;
    const result = await this.#client.exec({ query, clickhouse_settings: settings, abort_signal: options.signal });
    return result.stream;
  }

  /** Resolves when the rows are on disk. */
  async insert(table: string, rows: readonly object[], options: QueryOptions = {}): Promise<void> {
    await this.#client.insert({
      table,
      values: rows as object[],
      format: 'JSONEachRow',
      clickhouse_settings: { async_insert: 0, ...options.settings },
      abort_signal: options.signal,
    });
  }

  /** Creates the database that the URL names, which no other request could use before. */
  async createDatabase(): Promise<void> {
    const client = createClient({ url: this.#url, log: { level: ClickHouseLogLevel.OFF } });
    try {
      const query_params = { database: this.database };
      await client.command({ query: 'CREATE DATABASE IF NOT EXISTS {database:Identifier}', query_params });
    } finally {
      await client.close();
    }
  }

  /** Whether ClickHouse answers and takes the credentials. */
  async ping(): Promise<boolean> {
    return (await this.#client.ping({ select: true })).success;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** No request is made yet. */
export function connect(options: LedgerOptions): LedgerClient {
  return new LedgerClient(options);
}
