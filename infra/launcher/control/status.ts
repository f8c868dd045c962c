import type { ReplicaStatus } from '../supervisor/replica.ts';

export interface EngineStatus {
  name: string;
  pid: number | null;
  version: string;
  /** `url`, `path`, `cache`, `packages` or `docker`. */
  source: string;
  ready: boolean;
  restarts: number;
}

/** What `tollgate status --json` prints. URLs of engines carry their credentials. */
export interface Status {
  gatewayUrl: string;
  gatewayTlsUrl: string;
  consoleUrl: string;
  clickhouseUrl: string;
  natsUrl: string;
  redisUrl: string;
  cacheRedisUrl: string;
  /** Null where real credentials are used instead of the simulator. */
  simulatorUrl: string | null;
  home: string;
  pid: number;
  /** Every service that answers callers takes work. */
  ready: boolean;
  /** `ready`, or why the ledger is not there yet. */
  ledger: string;
  services: ReplicaStatus[];
  engines: EngineStatus[];
}
