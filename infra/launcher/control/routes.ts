import type { Engine } from '@tollgate/engines';
import type { Supervisor } from '../supervisor/supervisor.ts';
import type { ControlRoutes } from './server.ts';
import type { Status } from './status.ts';

/** What the command line and tests may ask of a running launcher. */
export interface Controlled {
  status(): Promise<Status>;
  supervisor(): Supervisor;
  engine(name: string): Engine;
  console(): { url: string; token: string };
  /** Begins to stop everything; does not wait for it. */
  down(): void;
}

export function controlRoutes(controlled: Controlled): ControlRoutes {
  const engineRoutes = (['start', 'stop', 'kill'] as const).map((verb) => [
    `POST /engines/{name}/${verb}`,
    async ({ name = '' }: Record<string, string>) => controlled.engine(name)[verb](),
  ]);
  const replicaRoutes = (['start', 'stop', 'kill'] as const).map((verb) => [
    `POST /services/{replica}/${verb}`,
    async ({ replica = '' }: Record<string, string>) => controlled.supervisor().replica(replica).process[verb](),
  ]);
  return {
    'GET /ping': async () => ({ pid: process.pid }),
    'GET /status': () => controlled.status(),
    'GET /console': async () => controlled.console(),
    'POST /scale': (_, { service, replicas }) => controlled.supervisor().scale(String(service), Number(replicas)),
    'POST /down': async () => controlled.down(),
    ...Object.fromEntries(engineRoutes),
    ...Object.fromEntries(replicaRoutes),
  };
}
