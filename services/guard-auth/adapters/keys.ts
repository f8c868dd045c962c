import type { Reservation } from '@tollgate/contracts';
import { isRolling } from '../domain/limit-windows.ts';

/** Marks of settled requests are grouped by the minute in which the request started. */
const bucketMs = 60_000;

/** What names a counter among an organization's. */
export type CounterName = Pick<
  Reservation,
  'scope' | 'scopeId' | 'quantity' | 'window' | 'windowStartMs' | 'selector' | 'value' | 'rate'
>;

/**
 * Every key of one organization in the budget Redis, version 1. The braces are a hash tag: all keys of an organization
 * live in one slot, so that a script may touch them together.
 */
export class BudgetKeys {
  readonly #prefix: string;
  /** run_id of the server that the counters were built on. */
  readonly epoch: string;
  /** run_id of the server on which a rebuild has come so far that leases may be renewed. */
  readonly rebuilding: string;
  /** Held by the replica that rebuilds. */
  readonly lock: string;
  /** Sorted set: request id, score = expiry in ms. */
  readonly leases: string;
  /** Hash: request id → the UsageEvent that an abandoned lease becomes; its receipt stands in it. */
  readonly receipts: string;
  /** Everything up to this sequence of USAGE is settled and acknowledged. */
  readonly floor: string;
  /** Sorted set: bucket of settled marks, score = newest sequence in it. */
  readonly settledBuckets: string;

  /** @param room sets keys apart from the organization's own, in the same slot; empty = its own */
  constructor(organizationId: string, room = '') {
    this.#prefix = `tg:v1:{${organizationId}}:${room}`;
    this.epoch = `${this.#prefix}epoch`;
    this.rebuilding = `${this.#prefix}rebuilding`;
    this.lock = `${this.#prefix}rebuild-lock`;
    this.leases = `${this.#prefix}leases`;
    this.receipts = `${this.#prefix}receipts`;
    this.floor = `${this.#prefix}floor`;
    this.settledBuckets = `${this.#prefix}settled`;
  }

  /** Hash {spent, reserved}; of a rolling window one hash with these of each of its parts, by `partOf`. */
  counter(charge: CounterName): string {
    const { scope, scopeId, quantity, window, selector, value } = charge;
    const windowStartMs = isRolling(charge) ? 0 : charge.windowStartMs;
    const plain = `${this.#prefix}c:${scope}:${scopeId}:${quantity}:${window}:${windowStartMs}`;
    if (selector === '') return plain;
    return value === '' ? `${plain}:${selector}` : `${plain}:${selector}:${value}`;
  }

  /** A counter, or the rate that is charged instead. */
  charged(charge: CounterName): string {
    return charge.rate === undefined ? this.counter(charge) : this.rate(charge);
  }

  /**
   * String level:ms of a rate, as of that moment of the store's clock. Its amount is a part of the name: a level means
   * nothing at another one.
   */
  rate({ scope, scopeId, quantity, window, rate = 0, selector, value }: CounterName): string {
    const plain = `${this.#prefix}rate:${scope}:${scopeId}:${quantity}:${window}:${rate}:${selector}`;
    return value === '' ? plain : `${plain}:${value}`;
  }

  /**
   * Which values have a counter of their own beside this one. Of a calendar window their number; of a rolling one a
   * sorted set, score = start of the latest part in which one was charged; of a rate a sorted set, score = until when.
   */
  values(charge: CounterName): string {
    return `${this.charged({ ...charge, value: '' })}:#`;
  }

  /** Exists for a short while after a release, so that the admission that it overtook is not made. */
  released(requestId: string): string {
    return `${this.#prefix}released:${requestId}`;
  }

  /** Exists for a while when an ingress had sent content of an answer whose owner is gone. */
  cut(requestId: string): string {
    return `${this.#prefix}cut:${requestId}`;
  }

  bucket(startedAtMs: number): string {
    return String(Math.floor(startedAtMs / bucketMs) * bucketMs);
  }

  /** Hash: request id → version:prompt:completion:cost:model of what was charged, for measured usage. The model may be missing. */
  settled(bucket: string): string {
    return `${this.#prefix}settled:${bucket}`;
  }

  /** The same for usage that a measurement may still replace. */
  unmeasured(bucket: string): string {
    return `${this.#prefix}unmeasured:${bucket}`;
  }

  /** Glob patterns of what a rebuild makes anew. */
  get rebuiltPatterns(): string[] {
    return [`${this.#prefix}c:*`, `${this.#prefix}settled:*`, `${this.#prefix}unmeasured:*`];
  }
}

/** What the fields of a counter end with in its hash: of a rolling window the start of the part, else nothing. */
export function partOf(charge: Pick<CounterName, 'window' | 'windowStartMs'>): string {
  return isRolling(charge) ? `:${charge.windowStartMs}` : '';
}

/** Keys of one script call; scripts know them by their place, counted from 1. */
export class KeyTable {
  readonly keys: string[];
  readonly #places = new Map<string, number>();

  constructor(fixed: string[]) {
    this.keys = [...fixed];
  }

  place(key: string): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.keys.push(key);
      this.#places.set(key, place);
    }
    return place;
  }
}
