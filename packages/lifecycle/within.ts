/** Thrown when something took longer than it may. */
class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

/** Waits for `work` at most this long; a rejection after that is swallowed, as nobody waits for it any more. */
export async function within<T>(name: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise: limit, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new TimeLimitError(`${name} took more than ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
