import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import { until } from '../../support/until.ts';
import { organization } from './installation.ts';

/** A request as the view `usage` has it. */
export interface Row {
  request_id: string;
  status: string;
  http_status: number;
  code: string;
  model: string;
  version: number;
  delivered: string;
  attempts: number;
  attempt_models: string[];
  attempt_http_statuses: number[];
  attempt_codes: string[];
  attempt_prompt_tokens: number[];
  attempt_completion_tokens: number[];
  attempt_costs_nano_usd: number[];
  prompt_tokens: number;
  completion_tokens: number;
  served_prompt_tokens: number;
  served_completion_tokens: number;
  estimated: boolean;
  cost_nano_usd: number;
}

const rowMsMax = 30_000;

/** The ledger by its own engine: many cases wait for their rows at once, and one query asks for all of them. */
export class Ledger {
  readonly #client: ClickHouseClient;
  readonly #wanted = new Map<string, (row: Row) => void>();
  #asking = false;

  constructor(url: string) {
    const at = new URL(url);
    const database = at.pathname.slice(1) || 'tollgate';
    at.pathname = '/';
    this.#client = createClient({
      url: at.href,
      database,
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** The one row of a request. @throws when it does not come within `timeoutMs` */
  async row(requestId: string, timeoutMs = rowMsMax): Promise<Row> {
    let found: Row | undefined;
    this.#wanted.set(requestId, (row) => {
      found = row;
    });
    try {
      const read = async () => {
        if (!found) await this.#ask();
        return found;
      };
      return await until(`the row of ${requestId}`, read, timeoutMs, 200);
    } finally {
      this.#wanted.delete(requestId);
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const ids = [...this.#wanted.keys()];
      const result = await this.#client.query({
        query: 'SELECT * FROM usage WHERE request_id IN {ids: Array(String)}',
        query_params: { ids },
        format: 'JSONEachRow',
      });
      for (const row of await result.json<Row>()) this.#wanted.get(row.request_id)?.(row);
    } finally {
      this.#asking = false;
    }
  }
}

/** What all routers share about targets, in the budget Redis. */
export class Suspensions {
  readonly #redis: Redis;

  constructor(url: string) {
    this.#redis = new Redis(url);
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** Milliseconds since the epoch; 0: not suspended. */
  async untilMs(target: string): Promise<number> {
    return Number((await this.#field(target)) ?? 0);
  }

  /** The request that met a fault for which one request is not enough; undefined: none. */
  async suspectedBy(target: string): Promise<string | undefined> {
    return (await this.#field(`${target}|suspect`))?.replace(/@\d+$/, '');
  }

  async #field(name: string): Promise<string | null> {
    return this.#redis.hget(`tg:v1:{${organization}}:suspended`, name);
  }
}
