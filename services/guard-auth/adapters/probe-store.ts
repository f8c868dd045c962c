import type { RedisConnection } from '@tollgate/redis';
import type { CounterState } from '../domain/charge.ts';
import type { Plan } from '../domain/plan.ts';
import { BudgetStore, type ReserveAnswer } from './budget-store.ts';
import { scripts } from './scripts.ts';

/** What a replica that dies in the middle leaves behind goes after this. */
const roomKeptMs = 60_000;

/**
 * Admissions by the script that admits callers, on counters that nobody else has: in a room of the replica's own, beside
 * the organization's keys. One probe at a time. Methods throw StoreFault.
 */
export class ProbeStore {
  readonly #store: BudgetStore;

  constructor(redis: RedisConnection, replica: string) {
    this.#store = new BudgetStore(redis, { replica, room: `probe:${replica}:` });
  }

  /** The server that probes go to; '' while there is none that answers. */
  get runId(): string {
    const { redis } = this.#store;
    return redis.ready() ? redis.runId : '';
  }

  /**
   * What an admission of this plan is answered.
   * @param counters how each counter of the plan stands before it, by its place in the charges; missing = empty
   */
  async admit(
    organizationId: string,
    { charges, bound }: Plan,
    counters: ReadonlyMap<number, CounterState>,
    nowMs: number,
  ): Promise<ReserveAnswer> {
    const keys = this.#store.keys(organizationId);
    const names = [
      keys.epoch,
      keys.leases,
      keys.receipts,
      ...charges.map((charge) => keys.counter(charge.reservation)),
    ];
    const states = charges.flatMap((_, place) => {
      const { spent, reserved } = counters.get(place) ?? { spent: 0, reserved: 0 };
      return [spent, reserved];
    });
    const { redis } = this.#store;
    await redis.run(scripts.probeFill, names, [redis.runId, roomKeptMs, ...states]);
    const request = { requestId: 'probe', startedAtMs: nowMs, charges, bound, record: new Uint8Array() };
    const answer = await this.#store.reserve(organizationId, request);
    await redis.command('DEL', ...names);
    return answer;
  }
}
