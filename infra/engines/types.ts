import type { ManagedProcessEvent } from './process/managed-process.ts';

/** `redis` holds budgets and suspension and never evicts; `cacheRedis` holds the cache and does. */
export type EngineName = 'nats' | 'redis' | 'cacheRedis' | 'clickhouse';

export const engineNames: readonly EngineName[] = ['nats', 'redis', 'cacheRedis', 'clickhouse'];

/** Where an engine's program came from: named by URL, or found in this order. */
export type ProgramSource = 'url' | 'path' | 'cache' | 'packages' | 'docker';

/** An engine that is started, stopped and killed from here, or (source `url`) only used. */
export interface Engine {
  readonly name: EngineName;
  /** With credentials, as a client takes it. */
  readonly url: string;
  readonly version: string;
  readonly source: ProgramSource;
  readonly pid: number | undefined;
  readonly ready: boolean;
  readonly restarts: number;
  /** Resolves when the engine answers. Rejects with the end of its log when it does not. */
  start(): Promise<void>;
  /** Ends it in an orderly way, then (with `now` at once) by SIGKILL. It stays down until `start`. Rejects for an engine named by URL. */
  stop(options?: { now?: boolean }): Promise<void>;
  /** SIGKILL. A supervised engine comes back by itself, any other at `start`. Rejects for an engine named by URL. */
  kill(): Promise<void>;
}

export interface EngineUser {
  name: string;
  password: string;
}

export interface NatsEngine extends Engine {
  readonly name: 'nats';
  /** Without credentials: `nats://127.0.0.1:4222`. */
  readonly address: string;
  /** The credentials of a service. One that is named by URL has the same for all. */
  userFor(service: string): EngineUser;
}

/** What a NATS user may do: subjects with wildcards, for publishing and for subscribing. */
export interface NatsUser {
  name: string;
  publish: string[];
  subscribe: string[];
}

/** What starting an engine needs to know. */
export interface EngineContext {
  /** State of this installation (TOLLGATE_HOME). */
  home: string;
  /** Where fetched programs are kept, shared by all installations. */
  cache: string;
  /** TOLLGATE_NATS_URL and its like, PATH, proxies. */
  env: NodeJS.ProcessEnv;
  /** Restart an engine that crashed. Tests that kill engines leave it out. */
  supervised: boolean;
  onEvent?: (event: ManagedProcessEvent) => void;
}
