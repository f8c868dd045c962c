import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import { type ProxyVariables, proxyFor } from '../domain/proxy-for.ts';

export interface PoolsOptions {
  /** Of each place. */
  connectionsMax: number;
  connectTimeoutMs: number;
  proxy: ProxyVariables;
}

/** Idle connections are closed before a provider's front does it, which would cost a request: Azure's waits minutes. */
const keepAliveMs = 20_000;

/** Who is called at an origin: what shares a place shares its connections, and their bound. */
export interface Place {
  origin: string;
  /** A provider's model, by the provider's name and the deployment's; empty for what is no model's. */
  target: string;
}

/**
 * One pool of connections for each model of a provider, made at the first call and closed when no configuration names it any more.
 * Models at one origin have pools of their own: what hangs at one of them takes no connection of another.
 */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #pools = new Map<string, Dispatcher>();

  constructor(options: PoolsOptions) {
    this.#options = options;
  }

  get({ origin, target }: Place): Dispatcher {
    const key = `${origin} ${target}`;
    let pool = this.#pools.get(key);
    if (!pool) {
      pool = this.#open(origin);
      this.#pools.set(key, pool);
    }
    return pool;
  }

  /** Calls that run on the other pools finish there. */
  keepOnly(places: readonly Place[]): void {
    const kept = new Set(places.map(({ origin, target }) => `${origin} ${target}`));
    for (const [key, pool] of this.#pools) {
      if (kept.has(key)) continue;
      this.#pools.delete(key);
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
