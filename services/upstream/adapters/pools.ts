import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { type ProxyVariables, proxyFor } from '../domain/proxy-for.ts';

export interface PoolsOptions {
  connectionsMax: number;
  connectTimeoutMs: number;
  proxy: ProxyVariables;
}

/** Idle connections are closed before a provider's front does it, which would cost a request: Azure's waits minutes. */
const keepAliveMs = 20_000;

/** One pool of connections for each origin, made at the first call and closed when no configuration names it any more. */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #pools = new Map<string, Dispatcher>();

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  get(origin: string): Dispatcher {
    let pool = this.#pools.get(origin);
    if (!pool) {
      pool = this.#open(origin);
      this.#pools.set(origin, pool);
    }
    return pool;
  }

  /** Calls that run on the other pools finish there. */
  keepOnly(origins: ReadonlySet<string>): void {
    for (const [origin, pool] of this.#pools) {
      if (origins.has(origin)) continue;
      this.#pools.delete(origin);
      pool.close().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
    this.#pools.clear();
  }

  #open(origin: string): Dispatcher {
    const { connectionsMax, connectTimeoutMs, proxy } = this.#options;
    const options = {
      connections: connectionsMax,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      // One sweep watches all calls; a timer of the client's for each would cost more.
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: connectTimeoutMs,
    };
    const uri = proxyFor(new URL(origin), proxy);
    return uri === undefined ? new Pool(origin, options) : new ProxyAgent({ ...options, uri });
  }
}
