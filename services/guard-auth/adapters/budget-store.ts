import type { Receipt, Reservation } from '@tollgate/contracts';
import type { Argument, RedisConnection } from '@tollgate/redis';
import { type Charge, type CounterState, counterExpiresAtMs } from '../domain/charge.ts';
import type { Settlement } from '../domain/settlement.ts';
import type { Reached, Watch } from '../domain/threshold-watch.ts';
import { BudgetKeys, type CounterName, KeyTable } from './keys.ts';
import { recordOf } from './record.ts';
import { scripts } from './scripts.ts';
import { SpecialCharges } from './special-charges.ts';

export interface Reserve {
  requestId: string;
  startedAtMs: number;
  charges: Charge[];
  /** Encoded UsageEvent that the lease becomes when its owner dies. */
  record: Uint8Array;
}

type ReserveOutcome = 'admitted' | 'refused' | 'repeated' | 'over' | 'rebuilding';

export interface ReserveAnswer {
  outcome: ReserveOutcome;
  /** The first answer's, when repeated. */
  record?: Uint8Array;
  /** Places of charges that went to the shared counter, as no more values have their own. Undefined for none. */
  shared?: Set<number>;
  /** In the order of the charges, as they are after the step; empty when over or rebuilding. */
  counters: CounterState[];
}

const outcomes: ReserveOutcome[] = ['admitted', 'refused', 'repeated', 'over', 'rebuilding'];

/** contracts.md: an owner renews every 10 s; three missed renewals and the lease is abandoned. */
const leaseMsDefault = 30_000;
/** Longer than an admission's deadline can be. */
const releasedKeptMs = 60_000;
/** The bound on marks that no trimming reached (contracts.md: unmeasured charges are kept for 24 h). */
export const marksKeptMs = 24 * 3_600_000;

/** Counters, leases and marks of organizations. Each method is one atomic script; all throw StoreFault. */
export class BudgetStore {
  readonly redis: RedisConnection;
  readonly leaseMs: number;
  /** Ours, unique on the bus. */
  readonly replica: string;
  readonly #room: string;
  readonly #keys = new Map<string, BudgetKeys>();

  /** @param options.room as of BudgetKeys */
  constructor(redis: RedisConnection, options: { replica: string; leaseMs?: number; room?: string }) {
    this.redis = redis;
    this.#room = options.room ?? '';
    this.replica = options.replica;
    this.leaseMs = options.leaseMs ?? leaseMsDefault;
  }

  keys(organizationId: string): BudgetKeys {
    let keys = this.#keys.get(organizationId);
    if (!keys) {
      keys = new BudgetKeys(organizationId, this.#room);
      this.#keys.set(organizationId, keys);
    }
    return keys;
  }

  async reserve(organizationId: string, { requestId, startedAtMs, charges, record }: Reserve): Promise<ReserveAnswer> {
    const keys = this.keys(organizationId);
    const bucket = keys.bucket(startedAtMs);
    const names = [
      keys.epoch,
      keys.leases,
      keys.receipts,
      keys.released(requestId),
      keys.settled(bucket),
      keys.unmeasured(bucket),
    ];
    const triples: Argument[] = [];
    const places: number[] = [];
    let special: SpecialCharges | undefined;
    for (const [place, charge] of charges.entries()) {
      if (charge.valuesMax !== undefined) {
        special ??= new SpecialCharges(keys);
        special.add(place, charge);
        continue;
      }
      const { reservation, limit } = charge;
      names.push(keys.counter(reservation));
      triples.push(reservation.amount, limit, counterExpiresAtMs(reservation.windowEndMs));
      places.push(place);
    }
    const json = special ? special.json(names) : '';
    const values = [this.redis.runId, requestId, this.leaseMs, this.replica, record, json, ...triples];
    const reply = (await this.redis.runBinary(scripts.reserve, names, values)) as [number, Buffer, ...number[]];
    const outcome = outcomes[reply[0]] ?? 'over';
    if (special) places.push(...special.places);
    const counters: CounterState[] = [];
    for (let at = 0; at < places.length && 3 + 2 * at < reply.length; at++) {
      counters[places[at] as number] = { spent: reply[2 + 2 * at] as number, reserved: reply[3 + 2 * at] as number };
    }
    if (outcome === 'repeated') return { outcome, counters, record: recordOf(reply[1]) };
    const shared = outcome === 'admitted' ? special?.shared(reply[1].toString()) : undefined;
    return shared ? { outcome, counters, shared } : { outcome, counters };
  }

  /** False: the counters are not there yet, nothing was done. All settlements are of this organization. */
  settle(organizationId: string, settlements: Settlement[]): Promise<boolean> {
    return this.settleBehind(this.keys(organizationId).epoch, this.redis.runId, organizationId, settlements);
  }

  /**
   * Settles, and says which counters of these settlements reached what nobody was told of. The same again says so again,
   * until `told`. Undefined: the counters are not there yet, nothing was done.
   * @param watch asked once for each counter
   */
  async settleWatching(
    organizationId: string,
    settlements: Settlement[],
    watch: (reservation: Reservation) => Watch[],
  ): Promise<Reached[] | undefined> {
    const { epoch } = this.keys(organizationId);
    const watches: Watch[] = [];
    const reply = await this.#settle(epoch, this.redis.runId, organizationId, settlements, (reservation) => {
      const found = watch(reservation);
      watches.push(...found);
      return found;
    });
    if (!reply) return undefined;
    const reached: Reached[] = [];
    for (let at = 2; at < reply.length; at += 4) {
      const [place = 0, spent = 0, reserved = 0, told = 0] = reply.slice(at, at + 4);
      reached.push({ watch: watches[place] as Watch, counter: { spent, reserved }, told });
    }
    return reached;
  }

  /** Up to this per cent of a limit somebody was told of. */
  async told(organizationId: string, watches: { watch: Watch; percent: number }[]): Promise<void> {
    const keys = this.keys(organizationId);
    const names = watches.map(({ watch }) => keys.counter(watch.counter));
    const values = watches.flatMap(({ watch, percent }) => [watch.field, percent]);
    await this.redis.run(scripts.told, names, values);
  }

  /** The same for a rebuild, whose gate is its lock. */
  async settleBehind(gate: string, pass: string, organizationId: string, settlements: Settlement[]): Promise<boolean> {
    return (await this.#settle(gate, pass, organizationId, settlements)) !== undefined;
  }

  async #settle(
    gate: string,
    pass: string,
    organizationId: string,
    settlements: Settlement[],
    watch: (reservation: Reservation) => Watch[] = () => [],
  ): Promise<number[] | undefined> {
    const watched = new Map<number, Watch[]>();
    const keys = this.keys(organizationId);
    const table = new KeyTable([gate, keys.leases, keys.receipts, keys.floor, keys.settledBuckets]);
    const events = settlements.map((settlement) => {
      const bucket = keys.bucket(settlement.startedAtMs);
      return {
        id: settlement.requestId,
        v: settlement.version,
        s: settlement.seq,
        p: settlement.promptTokens,
        c: settlement.completionTokens,
        n: settlement.costNanoUsd,
        g: settlement.model,
        b: bucket,
        m: table.place(keys.settled(bucket)),
        u: table.place(keys.unmeasured(bucket)),
        r: settlement.reservations.map((reservation) => {
          const place = table.place(keys.counter(reservation));
          if (!watched.has(place)) watched.set(place, watch(reservation));
          return [
            place,
            reservation.quantity,
            reservation.amount,
            counterExpiresAtMs(reservation.windowEndMs),
            ...(reservation.models.length > 0 ? [reservation.models] : []),
          ];
        }),
      };
    });
    const watches = [...watched].flatMap(([place, found]) =>
      found.map(({ field, thresholds }) => [
        place,
        field,
        ...thresholds.flatMap(({ percent, amount }) => [percent, amount]),
      ]),
    );
    const values = [pass, marksKeptMs, JSON.stringify(events), watches.length > 0 ? JSON.stringify(watches) : ''];
    const reply = (await this.redis.run(scripts.settle, table.keys, values)) as number[];
    return reply[0] === -1 ? undefined : reply;
  }

  /** Renews leases and writes missing ones again; false: the counters are not there yet. */
  async renew(organizationId: string, renewals: { receipt: Receipt; record: Uint8Array }[]): Promise<boolean> {
    const keys = this.keys(organizationId);
    const table = new KeyTable([keys.epoch, keys.rebuilding, keys.leases, keys.receipts]);
    const requests = renewals.map(({ receipt }) => {
      const bucket = keys.bucket(receipt.startedAtMs);
      return {
        id: receipt.requestId,
        m: table.place(keys.settled(bucket)),
        u: table.place(keys.unmeasured(bucket)),
        r: receipt.reservations.map((reservation) => [
          table.place(keys.counter(reservation)),
          reservation.amount,
          counterExpiresAtMs(reservation.windowEndMs),
        ]),
      };
    });
    const values = [this.redis.runId, this.leaseMs, JSON.stringify(requests), ...renewals.map(({ record }) => record)];
    const reply = (await this.redis.run(scripts.renew, table.keys, values)) as number[];
    return reply[0] !== -1;
  }

  /**
   * The admission's record when it was made; from now on it will not be.
   * @param onlyOwn leaves an admission alone that another replica made or answered too: somebody goes on with it
   */
  async release(organizationId: string, requestId: string, onlyOwn: boolean): Promise<Uint8Array | undefined> {
    const keys = this.keys(organizationId);
    const names = [keys.receipts, keys.released(requestId)];
    const values = [requestId, releasedKeptMs, onlyOwn ? this.replica : ''];
    const reply = (await this.redis.runBinary(scripts.release, names, values)) as Buffer | null;
    return reply ? recordOf(reply) : undefined;
  }

  /** Records of leases that ran out. For `hiddenMs` no other asker gets the same. */
  async expired(organizationId: string, max: number, hiddenMs: number): Promise<Uint8Array[]> {
    const keys = this.keys(organizationId);
    const names = [keys.epoch, keys.leases, keys.receipts];
    const reply = await this.redis.runBinary(scripts.expired, names, [this.redis.runId, max, hiddenMs]);
    return (reply as Buffer[]).map(recordOf);
  }

  /** Raises the floor and forgets marks of settled requests whose newest sequence is at most `forgetSeq`. */
  async trim(organizationId: string, floorSeq: number, forgetSeq: number): Promise<void> {
    const keys = this.keys(organizationId);
    const range = [keys.settledBuckets, '-inf', forgetSeq, 'BYSCORE', 'LIMIT', 0, 100];
    const buckets = (await this.redis.command('ZRANGE', ...range)) as string[];
    const names = [keys.epoch, keys.floor, keys.settledBuckets, ...buckets.map((bucket) => keys.settled(bucket))];
    await this.redis.run(scripts.trim, names, [this.redis.runId, floorSeq, forgetSeq, ...buckets]);
  }

  /** What counters hold, in order, each as it is when its turn comes: a request that is settled meanwhile may be in one and not in another. */
  read(organizationId: string, charges: readonly CounterName[]): Promise<CounterState[]> {
    const keys = this.keys(organizationId);
    return Promise.all(
      charges.map(async (charge) => {
        const held = await this.redis.command('HMGET', keys.counter(charge), 'spent', 'reserved');
        const [spent, reserved] = held as (string | null)[];
        return { spent: Number(spent ?? 0), reserved: Number(reserved ?? 0) };
      }),
    );
  }

  /** Everything of USAGE up to this sequence is settled and acknowledged; 0 = not known yet. */
  async floor(organizationId: string): Promise<number> {
    return Number((await this.redis.command('GET', this.keys(organizationId).floor)) ?? 0);
  }

  /** True when the counters were built on the server that is there now. */
  async built(organizationId: string): Promise<boolean> {
    const { runId } = this.redis;
    return runId !== '' && (await this.redis.command('GET', this.keys(organizationId).epoch)) === runId;
  }
}
