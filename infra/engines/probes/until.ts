import { setTimeout as wait } from 'node:timers/promises';

const pauseMs = 20;

/** Repeats `attempt` until it resolves or `signal` aborts (the caller bounds the time); rejects with its last error. */
export async function until<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw error;
    }
    await wait(pauseMs);
  }
}
