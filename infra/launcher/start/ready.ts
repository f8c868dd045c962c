import { setTimeout as wait } from 'node:timers/promises';
import type { ReplicaStatus } from '../supervisor/replica.ts';

const pauseMs = 50;
const readyMsMax = 60_000;

/** Not on the path of a request: the gateway answers without them. */
const notNeeded = ['analytics', 'console'];

/** Whether every service on the path of a request has a replica, and all of its replicas take work. */
export function gatewayReady(services: readonly ReplicaStatus[]): boolean {
  return services.every(({ name, ready }) => ready || notNeeded.includes(name));
}

/** Waits until the gateway is ready. Throws after 60 s with the names of those that are not. */
export async function allReady(status: () => Promise<ReplicaStatus[]>, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + readyMsMax;
  for (;;) {
    const services = await status();
    if (gatewayReady(services)) return;
    signal.throwIfAborted();
    if (Date.now() > deadline) {
      const missing = services
        .filter(({ name, ready }) => !ready && !notNeeded.includes(name))
        .map(({ replica }) => replica);
      throw new Error(`${missing.join(', ')} not ready after ${readyMsMax / 1000} s: npx tollgate logs says why.`);
    }
    await wait(pauseMs);
  }
}
