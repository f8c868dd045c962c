import type { Engine, EngineName } from '@tollgate/engines';
import type { Ports } from '../start/ports.ts';
import { gatewayReady } from '../start/ready.ts';
import type { ReplicaStatus } from '../supervisor/replica.ts';

interface EngineStatus {
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

export interface StatusParts {
  host: string;
  home: string;
  /** These are not known at the very beginning of a start. */
  ports: Ports | undefined;
  clickhouseUrl: string;
  simulatorUrl: string | undefined;
  ledger: string | undefined;
  services: ReplicaStatus[];
  engines: readonly Engine[];
}

export function composeStatus(parts: StatusParts): Status {
  const { host, home, ports, clickhouseUrl, simulatorUrl, ledger = 'starting', services, engines } = parts;
  const urlOf = (wanted: EngineName) => engines.find(({ name }) => name === wanted)?.url ?? '';
  return {
    gatewayUrl: `http://${host}:${ports?.port}`,
    gatewayTlsUrl: `https://${host}:${ports?.tlsPort}`,
    consoleUrl: `http://${host}:${ports?.consolePort}`,
    clickhouseUrl,
    natsUrl: urlOf('nats'),
    redisUrl: urlOf('redis'),
    cacheRedisUrl: urlOf('cacheRedis'),
    simulatorUrl: simulatorUrl ?? null,
    home,
    pid: process.pid,
    ready: services.length > 0 && gatewayReady(services),
    ledger,
    services,
    engines: engines.map(({ name, pid = null, version, source, ready, restarts }) => ({
      ...{ name, pid, version, source, ready, restarts },
    })),
  };
}
