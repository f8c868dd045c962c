import path from 'node:path';
import { keptPassword, keptPort, repositoryFolder } from '@tollgate/engines';
import { Replica, type ReplicaOptions } from '../supervisor/replica.ts';

/** The Azure OpenAI simulator as a process, for a start without credentials of the real one. */
export async function simulatorReplica(
  home: string,
  environment: NodeJS.ProcessEnv,
  onEvent: ReplicaOptions['onEvent'],
): Promise<{ replica: Replica; url: string; apiKey: string }> {
  const port = await keptPort(home, 'simulator');
  const apiKey = keptPassword(home, 'simulator');
  const passes = (name: string) => name.startsWith('TOLLGATE_SIM_') || ['PATH', 'NODE_COMPILE_CACHE'].includes(name);
  const settings = Object.entries(environment).filter(([name]) => passes(name));
  const replica = new Replica({
    service: 'simulator',
    name: 'simulator',
    home,
    file: path.join(repositoryFolder, 'packages/testing/azure/main.ts'),
    environment: () => ({
      ...Object.fromEntries(settings),
      TOLLGATE_SIM_HOST: '127.0.0.1',
      TOLLGATE_SIM_PORT: String(port),
      TOLLGATE_SIM_API_KEY: apiKey,
    }),
    onEvent,
  });
  return { replica, url: `http://127.0.0.1:${port}`, apiKey };
}
