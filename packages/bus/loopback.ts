import type { Beat, Entry } from '@tollgate/contracts';

/** What the bus of a replica hears, without the wire around it. */
export interface Hearer {
  hear(from: string, entries: readonly Entry[], beat: Beat | undefined): void;
}

type Taker = (bytes: Uint8Array) => void;

/**
 * The buses of services that run in one process. What one says to the inbox of another, and work that one offers and
 * another takes, goes there directly; everything else goes over NATS, as do these where nobody here is addressed.
 *
 * Delivered in a microtask, so after what the turn's steps wrote to NATS before: usage still leaves before the frame that
 * ends its answer.
 */
export class Loopback {
  readonly #hearers = new Map<string, Hearer>();
  readonly #takers = new Map<string, Taker>();

  /** Returns the end of it. */
  hearAt(inbox: string, hearer: Hearer): () => void {
    this.#hearers.set(inbox, hearer);
    return () => this.#hearers.delete(inbox);
  }

  /** Work offered on `subject`. One taker a subject: a second one takes the place of the first. */
  take(subject: string, taker: Taker): () => void {
    this.#takers.set(subject, taker);
    return () => {
      if (this.#takers.get(subject) === taker) this.#takers.delete(subject);
    };
  }

  /** False: nobody here has that inbox. */
  say(inbox: string, from: string, entries: readonly Entry[], beat: Beat | undefined): boolean {
    const hearer = this.#hearers.get(inbox);
    if (hearer === undefined) return false;
    queueMicrotask(() => hearer.hear(from, entries, beat));
    return true;
  }

  /** False: nobody here takes such work. */
  offer(subject: string, bytes: Uint8Array): boolean {
    const taker = this.#takers.get(subject);
    if (taker === undefined) return false;
    queueMicrotask(() => taker(bytes));
    return true;
  }
}
