import type { ConfigSnapshot } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';
import type { Charge, CounterState } from './charge.ts';
import { allLimits, limitsOf, type ScopedLimit } from './limits.ts';
import { noLimit } from './plan.ts';
import { isRate, type Rate } from './rate.ts';
import type { Settlement } from './settlement.ts';

/** What names a counter, as the store's own names do. */
export type ShareCounter = Omit<Reservation, 'amount' | 'models'>;

/** Counters that are remembered, some 300 bytes each. Beyond it the one that was met first is forgotten. */
const countersMax = 20_000;
/** Requests whose end is remembered, so that a repeated event gives a slot back once. Beyond it no slot of others is. */
const endedMax = 50_000;

interface Known extends CounterState {
  counter: ShareCounter;
  /** Admitted here since the store went away. */
  here: number;
}

/** Whether a request that these limits bind may be admitted while the store is away: every one of them must allow it. */
export function allowsWithinShare(limits: readonly ScopedLimit[]): boolean {
  return limits.length > 0 && limits.every(({ limit }) => limit.onStoreFailure !== undefined);
}

const allAllow = new WeakMap<ConfigSnapshot, boolean>();

/** Whether every request of every team may be. */
export function allAllowWithinShare(snapshot: ConfigSnapshot): boolean {
  let allow = allAllow.get(snapshot);
  if (allow === undefined) {
    const teams = snapshot.projects.flatMap((project) => project.teams);
    allow = teams.length > 0 && teams.every(({ id }) => allowsWithinShare(limitsOf(snapshot, id)));
    allAllow.set(snapshot, allow);
  }
  return allow;
}

/** The limits that allow it: their counters are to be known before the store goes away. */
export function limitsWithinShare(snapshot: ConfigSnapshot): ScopedLimit[] {
  return allLimits(snapshot).filter(({ limit }) => limit.onStoreFailure !== undefined);
}

/**
 * What one replica may admit by itself. Of each counter it remembers what was last seen of it in the store. While the store
 * is away it admits up to (limit − spent − reserved, as last seen) / replicas, minus what it admitted since. A counter that
 * it has not seen admits nothing, unless its window began when nobody could charge it any more.
 */
export class Share {
  readonly #known = new Map<string, Known>();
  /** Counters of single values that were begun here, by what they are values of. */
  readonly #values = new Map<string, number>();
  readonly #ended = new Set<string>();
  /** Of rates: what is used of this replica's part of the burst, in units. */
  readonly #rates = new Map<string, { level: number; atMs: number }>();

  /** Counters that are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * What the store says of counters that charges went to.
   * @param shared places of charges that went to the counter of all values
   */
  saw(charges: readonly Charge[], counters: readonly CounterState[], shared?: ReadonlySet<number>): void {
    for (const [place, { reservation }] of charges.entries()) {
      const state = counters[place];
      if (state && !isRate(reservation))
        this.learn(shared?.has(place) ? { ...reservation, value: '' } : reservation, state);
    }
  }

  /** What the store says of one counter. */
  learn(counter: ShareCounter, { spent, reserved }: CounterState): void {
    const name = nameOf(counter);
    const known = this.#known.get(name) ?? this.#add(name, counter);
    known.spent = spent;
    known.reserved = reserved;
    known.here = 0;
  }

  /** Counters whose windows still run; others are forgotten. */
  running(nowMs: number): ShareCounter[] {
    for (const [name, { counter }] of this.#known)
      if (counter.windowEndMs > 0 && counter.windowEndMs <= nowMs) this.#known.delete(name);
    return Array.from(this.#known.values(), ({ counter }) => counter);
  }

  /**
   * Takes these charges from the share, all or none.
   * @param replicas that share what is left, at least 1
   * @param sinceMs when the store went away: counters of windows that began later are empty, and rates are taken to be used up
   *   then, so that from there on they give what flows back
   */
  take(charges: readonly Charge[], replicas: number, sinceMs: number, nowMs: number): boolean {
    const taken: Known[] = [];
    const binding = charges.filter(({ limit }) => limit !== noLimit);
    const refusing = binding.filter(({ rate }) => rate === undefined);
    const rates = binding.flatMap(({ rate, reservation }) => (rate ? [{ rate, reservation }] : []));
    const levels = rates.map(({ rate, reservation }) => this.#level(rate, reservation, replicas, sinceMs, nowMs));
    if (
      rates.some(({ rate, reservation }, at) => (levels[at] as number) + reservation.amount > rate.burst / replicas)
    ) {
      return false;
    }
    for (const charge of refusing) {
      const known = this.#find(charge, replicas, sinceMs);
      if (known === undefined) return false;
      const { reservation, limit } = charge;
      const rest = limit - known.spent - known.reserved;
      if (known.here + reservation.amount > Math.floor(rest / replicas)) return false;
      taken.push(known);
    }
    for (const [place, known] of taken.entries()) known.here += refusing[place]?.reservation.amount ?? 0;
    for (const [at, { reservation }] of rates.entries()) {
      this.#rates.set(nameOf(reservation), { level: (levels[at] as number) + reservation.amount, atMs: nowMs });
    }
    return true;
  }

  /** A request that was admitted here ended: what it used takes the place of what it was assumed to need. */
  settle(reservations: readonly Reservation[], settlement: Settlement): void {
    if (this.#ended.size < endedMax) this.#ended.add(settlement.requestId);
    for (const reservation of reservations) {
      const known = this.#known.get(nameOf(reservation));
      if (known) known.here += usedOf(reservation, settlement) - reservation.amount;
    }
  }

  /** A request that the store admitted before it went away ended: its slots are free. Other quantities stay as reserved. */
  free({ requestId, reservations }: Settlement): void {
    if (this.#ended.has(requestId) || this.#ended.size >= endedMax) return;
    this.#ended.add(requestId);
    for (const reservation of reservations) {
      if (reservation.quantity !== 'concurrency') continue;
      const known = this.#known.get(nameOf(reservation));
      if (known && known.reserved > 0) known.reserved--;
    }
  }

  /** The store is back and knows all: what was admitted here counts as spent until it says better. */
  end(): void {
    this.#values.clear();
    this.#ended.clear();
    this.#rates.clear();
    for (const known of this.#known.values()) {
      known.spent += known.here;
      known.here = 0;
    }
  }

  #level(
    { amount, windowMs, burst }: Rate,
    of: ShareCounter,
    replicas: number,
    sinceMs: number,
    nowMs: number,
  ): number {
    const { level, atMs } = this.#rates.get(nameOf(of)) ?? { level: burst / replicas, atMs: sinceMs };
    return Math.max(0, level - ((nowMs - atMs) * amount) / windowMs / replicas);
  }

  #find({ reservation, valuesMax }: Charge, replicas: number, sinceMs: number): Known | undefined {
    const name = nameOf(reservation);
    const known = this.#known.get(name);
    if (known || reservation.windowStartMs < sinceMs || this.#known.size >= countersMax) return known;
    if (valuesMax !== undefined) {
      const whole = nameOf({ ...reservation, value: '' });
      const values = this.#values.get(whole) ?? 0;
      if (values >= Math.floor(valuesMax / replicas)) return undefined;
      this.#values.set(whole, values + 1);
    }
    return this.#add(name, reservation);
  }

  #add(name: string, of: ShareCounter): Known {
    if (this.#known.size >= countersMax) {
      const first = this.#known.keys().next().value;
      if (first !== undefined) this.#known.delete(first);
    }
    const { scope, scopeId, quantity, window, windowStartMs, windowEndMs, selector, value } = of;
    const counter = { scope, scopeId, quantity, window, windowStartMs, windowEndMs, selector, value };
    const known = { counter, spent: 0, reserved: 0, here: 0 };
    this.#known.set(name, known);
    return known;
  }
}

function nameOf({ scope, scopeId, quantity, window, windowStartMs, selector, value }: ShareCounter): string {
  return `${scope} ${scopeId} ${quantity} ${window} ${windowStartMs} ${selector} ${value}`;
}

/** As settle.lua charges it. */
function usedOf({ quantity, models }: Reservation, settlement: Settlement): number {
  const { promptTokens, completionTokens, costNanoUsd, model } = settlement;
  if (models.length > 0 && model !== '' && !models.includes(model)) return 0;
  switch (quantity) {
    case 'tokens':
      return promptTokens + completionTokens;
    case 'prompt_tokens':
      return promptTokens;
    case 'completion_tokens':
      return completionTokens;
    case 'cost_nano_usd':
      return costNanoUsd;
    case 'requests':
      return 1;
    default:
      return 0;
  }
}
