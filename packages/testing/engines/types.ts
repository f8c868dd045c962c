import type { NatsUser } from '@tollgate/engines';

export type TestEngineName = 'nats' | 'redis' | 'cacheRedis' | 'clickhouse';

export interface TestEngine {
  readonly name: TestEngineName;
  /** With credentials, as a client takes it. The same after `stop` and `start`. */
  readonly url: string;
  readonly credentials: { user: string; password: string };
  /** Ends it in an orderly way; its data stays. */
  stop(): Promise<void>;
  /** Resolves when it answers again, on the same address. */
  start(): Promise<void>;
  /** SIGKILL; its data stays as the crash left it. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay, nothing is answered. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): Promise<void>;
}

export interface TestNatsEngine extends TestEngine {
  /** Without credentials: `nats://127.0.0.1:4222`. */
  readonly address: string;
  /** The credentials of one of `natsUsers`. */
  userFor(name: string): { name: string; password: string };
}

export interface EnginesOptions {
  /** Default: NATS and both Redis servers. ClickHouse takes seconds to start, so a test names it when it needs it. */
  only?: readonly TestEngineName[];
  /** Default: one user `test` that may do everything. The first one is in `nats.url`. */
  natsUsers?: readonly NatsUser[];
}

export interface TestEngines {
  readonly nats: TestNatsEngine;
  readonly redis: TestEngine;
  readonly cacheRedis: TestEngine;
  readonly clickhouse: TestEngine;
  /** Stops all of them and removes their data. */
  close(): Promise<void>;
}

export const defaultEngines: readonly TestEngineName[] = ['nats', 'redis', 'cacheRedis'];
export const defaultNatsUsers: readonly NatsUser[] = [{ name: 'test', publish: ['>'], subscribe: ['>'] }];
