import { TollgateError } from '@tollgate/errors';

interface Pending {
  resolve(bytes: Uint8Array): void;
  reject(error: TollgateError): void;
  timer: NodeJS.Timeout;
  subject: string;
}

export interface RequestsOptions {
  /** Replies arrive on `<inbox>.r.<id>`. */
  inbox: string;
  publish(subject: string, bytes: Uint8Array, reply: string): boolean;
}

/** At most this many requests wait for their replies at once in one process. */
const pendingMax = 10_000;

/**
 * Request and reply over one subscription with our own correlation: the client's `request()` makes 40,000 a second
 * where this makes 110,000 (design measurements, loopback).
 */
export class Requests {
  readonly #pending = new Map<string, Pending>();
  readonly #options: RequestsOptions;
  #next = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** @throws TollgateError `bus_unavailable` (bus away), `overloaded` (nobody there, time-out, too many waiting). */
  request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= pendingMax) {
        reject(overloaded(subject, 'too many requests are waiting'));
        return;
      }
      const id = (this.#next++).toString(36);
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(overloaded(subject, `no reply within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer, subject });
      if (!this.#options.publish(subject, bytes, `${this.#options.inbox}.r.${id}`)) {
        this.fail(id, new TollgateError('bus_unavailable', { internal: `request to ${subject} while NATS is away` }));
      }
    });
  }

  settle(id: string, bytes: Uint8Array): void {
    const pending = this.#take(id);
    pending?.resolve(bytes);
  }

  fail(id: string, error?: TollgateError): void {
    const pending = this.#take(id);
    pending?.reject(error ?? overloaded(pending.subject, 'no responders'));
  }

  /** Rejects everything that waits; for a lost connection or a close. */
  failAll(): void {
    for (const id of [...this.#pending.keys()]) {
      this.fail(id, new TollgateError('bus_unavailable', { internal: 'NATS went away while waiting for a reply' }));
    }
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    return pending;
  }
}

function overloaded(subject: string, why: string): TollgateError {
  return new TollgateError('overloaded', { internal: `${subject}: ${why}` });
}
