import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { connectAzureSimulator, type RemoteAzureSimulator } from '@tollgate/testing/azure';
import { deployments } from './configuration.ts';

const file = path.resolve(import.meta.dirname, '../../../packages/testing/azure/main.ts');
const apiKey = 'soak-provider-key';
/** As many as it can keep: a run compares every call. */
const recordedCallsMax = 100_000;

export interface Simulator extends RemoteAzureSimulator {
  apiKey: string;
  close(): Promise<void>;
}

/** The provider, as a process of its own: it must not wait for the callers' work. */
export async function startSimulator(): Promise<Simulator> {
  const models = Object.entries(deployments).map(([name, model]) => `${name}=${model}`);
  const flags = ['--models', models.join(','), '--api-key', apiKey, '--recorded-calls-max', String(recordedCallsMax)];
  const child = fork(file, flags, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [ready] = (await once(child, 'message')) as [{ address: string }];
  return {
    ...connectAzureSimulator(ready.address),
    apiKey,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
