const waitMsMax = 2000;

/**
 * Tries until it is done: what was promised to somebody who is gone must be written, and JetStream comes back.
 * @throws what `work` threw last, once `signal` is aborted
 */
export async function persist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      await pause(Math.min(waitMsMax, 50 * 2 ** Math.min(failures, 6)), signal);
    }
  }
}

/** Ends early when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
