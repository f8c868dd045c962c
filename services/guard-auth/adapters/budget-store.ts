import { windowLengthMs } from '@tollgate/config';
import type { Receipt, Reservation } from '@tollgate/contracts';
import type { Argument, RedisConnection } from '@tollgate/redis';
import type { Bound } from '../domain/bound.ts';
import { type Charge, type CounterState, counterExpiresAtMs } from '../domain/charge.ts';
import { type Grant, grantOf, growsWithAttempts, heldOf, mayHoldMore } from '../domain/grant.ts';
import { isRate } from '../domain/rate.ts';
import type { Settlement } from '../domain/settlement.ts';
import type { Reached, Watch } from '../domain/threshold-watch.ts';
import { BudgetKeys, type CounterName, KeyTable, partOf } from './keys.ts';
import { recordOf } from './record.ts';
import { scripts } from './scripts.ts';
import { moreOfSpecial, SpecialCharges } from './special-charges.ts';
import { strictJson } from './strict-charges.ts';

export interface Reserve {
  requestId: string;
  startedAtMs: number;
  charges: Charge[];
  /** Present: a strict limit is among the charges, and each has a part. */
  bound?: Bound | undefined;
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
  /** Places of rates that refuse nobody, had no room, and were not charged. Undefined for none. */
  uncharged?: Set<number>;
  /** Under a strict limit, when admitted; when refused: the least, which did not fit. */
  grant?: Grant;
  /** In the order of the charges, as they are after the step; empty when over or rebuilding. */
  counters: CounterState[];
}

const outcomes: ReserveOutcome[] = ['admitted', 'refused', 'repeated', 'over', 'rebuilding'];

/** contracts.md: an owner renews every 10 s; three missed renewals and the lease is abandoned. */
const leaseMsDefault = 30_000;
/** Longer than a lease lives unrenewed, with time for a restart of whoever reaps it. */
const cutKeptMs = 600_000;
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

  async reserve(organizationId: string, reserve: Reserve): Promise<ReserveAnswer> {
    const { requestId, startedAtMs, charges, bound, record } = reserve;
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
      if (SpecialCharges.has(charge)) {
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
    if (special) places.push(...special.places);
    if (bound) values.push(strictJson(bound, charges, places));
    const reply = (await this.redis.runBinary(scripts.reserve, names, values)) as [number, Buffer, ...number[]];
    const outcome = outcomes[reply[0]] ?? 'over';
    const counters: CounterState[] = [];
    for (let at = 0; at < places.length && 3 + 2 * at < reply.length; at++) {
      counters[places[at] as number] = { spent: reply[2 + 2 * at] as number, reserved: reply[3 + 2 * at] as number };
    }
    for (const [at, place] of special?.places.entries() ?? []) {
      const from = 2 + 2 * places.length + moreOfSpecial * at;
      const state = counters[place];
      if (state) addMore(state, charges[place] as Charge, reply[from] as number, reply[from + 1] as number);
    }
    if (outcome === 'repeated') return { outcome, counters, record: recordOf(reply[1]) };
    if (outcome === 'over' || outcome === 'rebuilding') return { outcome, counters };
    const choices = reply[1].toString();
    const grant = bound && grantIn(choices);
    if (outcome !== 'admitted') return { outcome, counters, ...(grant && { grant }) };
    const shared = special?.chosen(choices, 'd');
    const uncharged = special?.chosen(choices, 'n');
    return { outcome, counters, ...(shared && { shared }), ...(uncharged && { uncharged }), ...(grant && { grant }) };
  }

  /**
   * Reserves what the receipt holds once more for each further attempt; false: nothing was done, and there may be none.
   * @param times how many attempts it is reserved for afterwards; a repeat with the same is done once
   * @param limitOf the most that its counter may hold afterwards, of a rate its burst, in units of the quantity; undefined: no matter
   */
  async extend(
    receipt: Receipt,
    times: number,
    limitOf: (reservation: Reservation) => number | undefined = ({ strictLimit }) => strictLimit,
  ): Promise<boolean> {
    const keys = this.keys(receipt.organizationId);
    const names = [keys.epoch, keys.leases, keys.receipts];
    const charges = receipt.reservations.filter(growsWithAttempts).map((reservation) => {
      const { amount, rate, window, windowEndMs } = reservation;
      names.push(keys.charged(reservation));
      const flow = rate === undefined ? [] : [rate, windowLengthMs(window) ?? 0];
      return [amount, limitOf(reservation) ?? -1, counterExpiresAtMs(windowEndMs), partOf(reservation), ...flow];
    });
    const values = [this.redis.runId, receipt.requestId, this.leaseMs, times, JSON.stringify(charges)];
    return (await this.redis.run(scripts.extend, names, values)) === 1;
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
        ...(settlement.mayHoldMore && { t: true }),
        b: bucket,
        m: table.place(keys.settled(bucket)),
        u: table.place(keys.unmeasured(bucket)),
        r: settlement.reservations.map((reservation) => {
          const place = table.place(keys.charged(reservation));
          if (!watched.has(place)) watched.set(place, watch(reservation));
          return [
            place,
            reservation.quantity,
            reservation.amount,
            counterExpiresAtMs(reservation.windowEndMs),
            reservation.models.length > 0 ? reservation.models : 0,
            partOf(reservation),
            ...(reservation.rate === undefined ? [] : [reservation.rate, windowLengthMs(reservation.window) ?? 0]),
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
        h: mayHoldMore(receipt) ? `;!${1 + (receipt.extensions ?? 0)}` : '',
        m: table.place(keys.settled(bucket)),
        u: table.place(keys.unmeasured(bucket)),
        r: receipt.reservations
          .filter(isCounter)
          .map((reservation) => [
            table.place(keys.counter(reservation)),
            heldOf(reservation, receipt),
            counterExpiresAtMs(reservation.windowEndMs),
            partOf(reservation),
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

  /** Which of these requests were given up in the last minute: by release(), before their admission was written. */
  async givenUp(organizationId: string, requestIds: readonly string[]): Promise<string[]> {
    return [...(await this.#existing(requestIds, (id) => this.keys(organizationId).released(id)))];
  }

  async #existing(requestIds: readonly string[], key: (requestId: string) => string): Promise<Set<string>> {
    const found = await Promise.all(requestIds.map((id) => this.redis.command('EXISTS', key(id))));
    return new Set(requestIds.filter((_, place) => found[place] === 1));
  }

  /** Of this request's answer content went out, and its owner is gone. Whether the request exists is not looked at. */
  async cut(organizationId: string, requestId: string): Promise<void> {
    await this.redis.command('SET', this.keys(organizationId).cut(requestId), '1', 'PX', cutKeptMs);
  }

  /** Which of these requests were cut. */
  cutOff(organizationId: string, requestIds: readonly string[]): Promise<Set<string>> {
    return this.#existing(requestIds, (id) => this.keys(organizationId).cut(id));
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
        const part = partOf(charge);
        const held = await this.redis.command('HMGET', keys.counter(charge), `spent${part}`, `reserved${part}`);
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

/** Leases hold nothing of rates: what is used up flows back by itself. */
function isCounter(reservation: Reservation): boolean {
  return !isRate(reservation);
}

function addMore(state: CounterState, { rolling, rate }: Charge, one: number, two: number): void {
  if (rolling) state.parts = { newest: one, needed: two };
  if (rate) state.rate = { level: one, atMs: Math.abs(two), passed: two < 0 };
}

/** Behind the choices: `!1,…` */
function grantIn(choices: string): Grant {
  const [, ...figures] = choices.slice(choices.indexOf('!') + 1).split(',');
  return grantOf(figures.map(Number));
}
