import { Redis } from 'ioredis';
import { organization } from '../installation/configuration.ts';

const prefix = `tg:v1:{${organization}}:`;

interface Counter {
  spent: number;
  reserved: number;
}

export interface Budgets {
  /** Milliseconds since the epoch. */
  readAtMs: number;
  /** By name: scope, its id, quantity, window, beginning of the window. */
  counters: Record<string, Counter>;
  leases: number;
  receipts: number;
}

/** What the budget Redis holds, asked as an operator does. */
export class BudgetReader {
  readonly #redis: Redis;

  constructor(url: string) {
    this.#redis = new Redis(url, { maxRetriesPerRequest: null });
    // It is killed now and then; commands wait until it is back.
    this.#redis.on('error', () => {});
  }

  close(): void {
    this.#redis.disconnect();
  }

  /** Requests that hold a reservation. */
  leases(): Promise<number> {
    return this.#redis.zcard(`${prefix}leases`);
  }

  async read(): Promise<Budgets> {
    const counters: Record<string, Counter> = {};
    let cursor = '0';
    do {
      const [next, keys] = await this.#redis.scan(cursor, 'MATCH', `${prefix}c:*`, 'COUNT', 500);
      cursor = next;
      for (const key of keys) {
        // How many values have a counter of their own is no counter.
        if (key.endsWith(':#')) continue;
        Object.assign(counters, countersIn(key.slice(prefix.length + 2), await this.#redis.hgetall(key)));
      }
    } while (cursor !== '0');
    return {
      readAtMs: Date.now(),
      counters,
      leases: await this.leases(),
      receipts: await this.#redis.hlen(`${prefix}receipts`),
    };
  }
}

/** A hash is one counter; of a rolling window one for each part, whose beginning stands in the fields instead of the name. */
export function countersIn(name: string, fields: Readonly<Record<string, string>>): Record<string, Counter> {
  const counters: Record<string, Counter> = {};
  for (const [field, value] of Object.entries(fields)) {
    const [, figure, startMs] = /^(spent|reserved)(?::(\d+))?$/.exec(field) ?? [];
    if (figure !== 'spent' && figure !== 'reserved') continue;
    const part = startMs === undefined ? name : name.replace(/(:rolling-[^:]+):0/, `$1:${startMs}`);
    counters[part] ??= { spent: 0, reserved: 0 };
    counters[part][figure] = Number(value);
  }
  return counters;
}
