/**
 * Whatever has arrived while the last batch was handled, at most `max` of it. A separate loop reads the source and stops
 * while `max` are waiting: the client's own count of what it holds (`getPending`) also counts entries that are no
 * messages, and asking for one more on its word waits with a message in hand.
 */
export async function* inBatches<T>(source: AsyncIterable<T>, max: number): AsyncGenerator<T[]> {
  let waiting: T[] = [];
  let changed = Promise.withResolvers<void>();
  let ended: { error?: unknown } | undefined;
  let left = false;
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const read = async () => {
    for await (const message of source) {
      if (left) return;
      waiting.push(message);
      change();
      while (waiting.length >= max && !left) await changed.promise;
    }
  };
  const reading = read().then(
    () => {
      ended = {};
      change();
    },
    (error: unknown) => {
      ended = { error };
      change();
    },
  );
  try {
    for (;;) {
      while (waiting.length === 0 && !ended) await changed.promise;
      if (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        change();
        yield batch;
      } else if (ended && 'error' in ended) throw ended.error;
      else return;
    }
  } finally {
    left = true;
    change();
    void reading;
  }
}
