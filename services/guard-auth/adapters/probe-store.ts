import type { RedisConnection } from '@tollgate/redis';
import type { Charge, CounterState } from '../domain/charge.ts';
import { partsOfWindow } from '../domain/limit-windows.ts';
import type { Plan } from '../domain/plan.ts';
import { BudgetStore, type ReserveAnswer } from './budget-store.ts';
import { type BudgetKeys, KeyTable, partOf } from './keys.ts';
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
   * @param counters how each counter of the plan stands before it, by its place in the charges; missing = empty. Of what a
   *   rolling window has, half is put into its oldest part: both parts must be read to see all of it.
   */
  async admit(
    organizationId: string,
    { charges, bound }: Plan,
    counters: ReadonlyMap<number, CounterState>,
    nowMs: number,
  ): Promise<ReserveAnswer> {
    const keys = this.#store.keys(organizationId);
    const room = new Room(keys);
    for (const [place, charge] of charges.entries())
      room.fill(charge, counters.get(place) ?? { spent: 0, reserved: 0 });
    const { names, state } = room;
    const { redis } = this.#store;
    await redis.run(scripts.probeFill, names, [redis.runId, roomKeptMs, JSON.stringify(state)]);
    const request = { requestId: 'probe', startedAtMs: nowMs, charges, bound, record: new Uint8Array() };
    const answer = await this.#store.reserve(organizationId, request);
    await redis.command('DEL', ...names);
    return answer;
  }
}

/** What one probe finds, as probe-fill.lua reads it. */
class Room {
  readonly state = {
    counters: [] as [key: number, spent: number, reserved: number, part: string][],
    rates: [] as [number, number][],
  };
  readonly #keys: BudgetKeys;
  readonly #table: KeyTable;

  constructor(keys: BudgetKeys) {
    this.#keys = keys;
    this.#table = new KeyTable([keys.epoch, keys.leases, keys.receipts]);
  }

  get names(): string[] {
    return this.#table.keys;
  }

  fill({ reservation, valuesMax, rolling, rate }: Charge, { spent, reserved, rate: rateState }: CounterState): void {
    const key = this.#table.place(this.#keys.charged(reservation));
    if (valuesMax !== undefined) this.#table.place(this.#keys.values(reservation));
    if (rate) {
      this.state.rates.push([key, rateState?.level ?? 0]);
      return;
    }
    const old = rolling ? Math.ceil(spent / 2) : 0;
    this.state.counters.push([key, spent - old, reserved, partOf(reservation)]);
    if (!rolling) return;
    const windowStartMs = rolling.startMs - partsOfWindow * (rolling.endMs - rolling.startMs);
    this.state.counters.push([key, old, 0, partOf({ ...reservation, windowStartMs })]);
  }
}
