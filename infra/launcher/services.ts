/** Every service, and what the launcher has to know of it. */
export interface ServiceKind {
  name: string;
  /** More than one replica on one machine is possible. */
  scalable: boolean;
  /** It listens on a port that callers know. */
  fixedPort?: true;
  /** Stopped in this order, each group when the one before it is down: who takes work from outside stops first. */
  stopGroup: number;
  uses: readonly ('redis' | 'cacheRedis' | 'clickhouse' | 'responseIds')[];
  /** Services that run in one process (TOLLGATE_TOGETHER), in the order in which requests flow through them. */
  members?: readonly ServiceKind[];
}

/** Linux spreads connections over all who listen on one port (SO_REUSEPORT); Node has it there only of what the launcher runs on. */
export const sharesPorts = process.platform === 'linux';

export const serviceKinds: readonly ServiceKind[] = [
  { name: 'ingress', scalable: sharesPorts, fixedPort: true, stopGroup: 0, uses: [] },
  { name: 'console', scalable: sharesPorts, fixedPort: true, stopGroup: 0, uses: ['clickhouse'] },
  { name: 'pipeline', scalable: true, stopGroup: 1, uses: [] },
  { name: 'guard-auth', scalable: true, stopGroup: 2, uses: ['redis'] },
  { name: 'guard-pii', scalable: true, stopGroup: 2, uses: [] },
  { name: 'guard-cache', scalable: true, stopGroup: 2, uses: ['cacheRedis', 'responseIds'] },
  { name: 'guard-router', scalable: true, stopGroup: 2, uses: ['redis', 'responseIds'] },
  { name: 'upstream', scalable: true, stopGroup: 3, uses: ['responseIds'] },
  { name: 'analytics', scalable: true, stopGroup: 4, uses: ['clickhouse'] },
];

export const serviceNames: readonly string[] = serviceKinds.map(({ name }) => name);

/** At most this many replicas of one service: more is a slip of the keyboard on one machine. */
export const replicasMax = 16;
