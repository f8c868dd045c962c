import { randomUUID } from 'node:crypto';
import { type Receipt, type Reservation, UsageEvent } from '@tollgate/contracts';
import { scanKeys } from '@tollgate/redis';
import { type CounterSum, counterExpiresAtMs, countsStill } from '../domain/charge.ts';
import { heldOf } from '../domain/grant.ts';
import { isRolling } from '../domain/limit-windows.ts';
import { isRate } from '../domain/rate.ts';
import { measured, type Settlement } from '../domain/settlement.ts';
import { type BudgetStore, marksKeptMs } from './budget-store.ts';
import { type BudgetKeys, KeyTable, partOf } from './keys.ts';
import { recordOf } from './record.ts';
import { scripts } from './scripts.ts';

/** Renewed with every step; a replica that dies in the middle lets the next one begin after this. */
const lockMs = 10_000;
/** Entries of one script call. */
const stepMax = 500;

/** What a request was charged already. */
export type ChargedMark = Pick<
  Settlement,
  'requestId' | 'startedAtMs' | 'version' | 'promptTokens' | 'completionTokens' | 'costNanoUsd' | 'model'
>;

interface Step {
  clear?: number[];
  counters?: [key: number, spent: number, reserved: number, expiresAtMs: number, part: string][];
  marks?: [key: number, id: string, value: string][];
  values?: [key: number, value: string, expiresAtMs?: number][];
  members?: [key: number, value: string, score: number, expiresAtMs: number][];
}

/** Thrown when another replica has taken the rebuild over. */
class RebuildLost extends Error {
  override readonly name = 'RebuildLost';
}

/** One rebuild of an organization's counters, under its lock. Methods throw StoreFault and RebuildLost. */
export class RebuildStore {
  readonly #store: BudgetStore;
  readonly #organizationId: string;
  readonly #keys: BudgetKeys;
  readonly #runId: string;
  readonly #token: string;
  /** Counters of single values, by the key that counts them. */
  readonly #values = new Map<string, { counters: Set<string>; expiresAtMs: number }>();
  /** The same of rolling windows, by the sorted set that has them. */
  readonly #members = new Map<string, { key: string; value: string; startMs: number; expiresAtMs: number }>();

  private constructor(store: BudgetStore, organizationId: string, runId: string, token: string) {
    this.#store = store;
    this.#organizationId = organizationId;
    this.#keys = store.keys(organizationId);
    this.#runId = runId;
    this.#token = token;
  }

  /** Undefined when another replica rebuilds, or has just done it. */
  static async begin(store: BudgetStore, organizationId: string): Promise<RebuildStore | undefined> {
    const keys = store.keys(organizationId);
    const { runId } = store.redis;
    const token = randomUUID();
    const names = [keys.lock, keys.rebuilding, keys.leases, keys.epoch];
    const values = [token, lockMs, store.leaseMs, runId];
    const taken = await store.redis.run(scripts.rebuildBegin, names, values);
    return taken === 1 ? new RebuildStore(store, organizationId, runId, token) : undefined;
  }

  /** Forgets counters and marks, then counts again what the leases hold that are there. Returns their request ids. */
  async reset(nowMs: number): Promise<Set<string>> {
    for (const pattern of this.#keys.rebuiltPatterns) {
      for await (const found of scanKeys(this.#store.redis, pattern)) await this.#clear(found);
    }
    await this.#clear([this.#keys.floor, this.#keys.settledBuckets]);
    return this.#countLeases(nowMs);
  }

  /** From now on owners may renew their leases. */
  async openForRenewals(): Promise<void> {
    const table = this.#table();
    await this.#write(table, { values: [[table.place(this.#keys.rebuilding), this.#runId]] });
  }

  async addSums(sums: CounterSum[]): Promise<void> {
    for (const sum of sums) this.#note(sum);
    for (const part of chunks(sums)) {
      const table = this.#table();
      const counters = part.map((sum): [number, number, number, number, string] => [
        table.place(this.#keys.counter(sum)),
        sum.spent,
        0,
        counterExpiresAtMs(sum.windowEndMs),
        partOf(sum),
      ]);
      await this.#write(table, { counters });
    }
  }

  /** What the sums count already: later versions are charged by the difference, repeats not at all. */
  async addMarks(charged: ChargedMark[]): Promise<void> {
    for (const part of chunks(charged)) {
      const table = this.#table();
      const marks = part.map((charge): [number, string, string] => {
        const bucket = this.#keys.bucket(charge.startedAtMs);
        const key = charge.version >= measured ? this.#keys.settled(bucket) : this.#keys.unmeasured(bucket);
        const { version, promptTokens, completionTokens, costNanoUsd, model } = charge;
        const value = [version, promptTokens, completionTokens, costNanoUsd, model].join(':');
        return [table.place(key), charge.requestId, value];
      });
      await this.#write(table, { marks });
    }
  }

  /** Settles as the live settler does, behind the rebuild's lock. */
  async settle(settlements: Settlement[]): Promise<void> {
    for (const { reservations } of settlements) for (const reservation of reservations) this.#note(reservation);
    const { lock } = this.#keys;
    if (!(await this.#store.settleBehind(lock, this.#token, this.#organizationId, settlements)))
      throw new RebuildLost();
    await this.holdLock();
  }

  async holdLock(): Promise<void> {
    await this.#write(this.#table(), {});
  }

  /** Opens admission: everything up to `floorSeq` of USAGE is in the counters. */
  async finish(floorSeq: number): Promise<void> {
    for (const part of chunks([...this.#values])) {
      const counts = this.#table();
      await this.#write(counts, {
        values: part.map(([key, { counters, expiresAtMs }]) => [counts.place(key), String(counters.size), expiresAtMs]),
      });
    }
    for (const part of chunks([...this.#members.values()])) {
      const sets = this.#table();
      await this.#write(sets, {
        members: part.map(({ key, value, startMs, expiresAtMs }) => [sets.place(key), value, startMs, expiresAtMs]),
      });
    }
    const table = this.#table();
    await this.#write(table, {
      clear: [table.place(this.#keys.rebuilding), table.place(this.#keys.lock)],
      values: [
        [table.place(this.#keys.floor), String(floorSeq)],
        [table.place(this.#keys.epoch), this.#runId],
      ],
    });
  }

  /** After a failure: the next attempt need not wait for the lock to run out. */
  async giveUp(): Promise<void> {
    await this.#clear([this.#keys.lock]);
  }

  #clear(keys: string[]): Promise<void> {
    const table = this.#table();
    return this.#write(table, { clear: keys.map((key) => table.place(key)) });
  }

  async #countLeases(nowMs: number): Promise<Set<string>> {
    const counters = new Map<string, { key: string; part: string; reserved: number; expiresAtMs: number }>();
    const leases = new Set<string>();
    for (let cursor = '0'; ; ) {
      const args = [this.#keys.receipts, cursor, 'COUNT', stepMax];
      const [next, entries] = (await this.#store.redis.commandBinary('HSCAN', ...args)) as [Buffer, Buffer[]];
      for (let at = 1; at < entries.length; at += 2) {
        const requestId = String(entries[at - 1]);
        // A scan may give an entry twice.
        if (leases.has(requestId)) continue;
        leases.add(requestId);
        const { receipt } = UsageEvent.decode(recordOf(entries[at] as Buffer));
        for (const reservation of receipt?.reservations ?? []) {
          if (isRate(reservation) || !countsStill(reservation.windowEndMs, nowMs)) continue;
          this.#note(reservation);
          const key = this.#keys.counter(reservation);
          const part = partOf(reservation);
          const expiresAtMs = counterExpiresAtMs(reservation.windowEndMs);
          const sum = counters.get(key + part) ?? { key, part, reserved: 0, expiresAtMs };
          sum.reserved += heldOf(reservation, receipt as Receipt);
          counters.set(key + part, sum);
        }
      }
      cursor = next.toString();
      if (cursor === '0') break;
    }
    for (const some of chunks([...counters.values()])) {
      const table = this.#table();
      await this.#write(table, {
        counters: some.map(({ key, part, reserved, expiresAtMs }) => [
          table.place(key),
          0,
          reserved,
          expiresAtMs,
          part,
        ]),
      });
    }
    return leases;
  }

  /** A value's counter that is there again counts to those that its limit may have. */
  #note(of: Omit<Reservation, 'amount' | 'models'>): void {
    if (of.value === '' || of.quantity === 'concurrency') return;
    const key = this.#keys.values(of);
    if (isRolling(of)) {
      const member = {
        key,
        value: of.value,
        startMs: of.windowStartMs,
        expiresAtMs: counterExpiresAtMs(of.windowEndMs),
      };
      const name = `${key} ${of.value}`;
      if ((this.#members.get(name)?.startMs ?? 0) < member.startMs) this.#members.set(name, member);
      return;
    }
    const known = this.#values.get(key);
    if (known) known.counters.add(of.value);
    else this.#values.set(key, { counters: new Set([of.value]), expiresAtMs: counterExpiresAtMs(of.windowEndMs) });
  }

  #table(): KeyTable {
    return new KeyTable([this.#keys.lock]);
  }

  async #write(table: KeyTable, step: Step): Promise<void> {
    const { clear = [], counters = [], marks = [], values = [], members = [] } = step;
    const json = JSON.stringify({ clear, counters, marks, values, members });
    const done = await this.#store.redis.run(scripts.rebuildWrite, table.keys, [
      this.#token,
      lockMs,
      marksKeptMs,
      json,
    ]);
    if (done !== 1) throw new RebuildLost();
  }
}

function* chunks<T>(entries: T[]): Generator<T[]> {
  for (let at = 0; at < entries.length; at += stepMax) yield entries.slice(at, at + stepMax);
}
