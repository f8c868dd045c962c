import type { Bus } from '@tollgate/bus';

/** Well within the second after which ingress gives a request up. */
const tickMs = 25;

/**
 * Says Accepted for requests that are still with the guards after a tick. Most are not: their frame 0 says as much, and
 * a message of its own would cost each of them two processes' attention.
 */
export class Accepting {
  readonly #bus: Bus;
  #arrived = new Map<string, string>();
  #waiting = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  add(requestId: string, ingressInbox: string): void {
    this.#arrived.set(requestId, ingressInbox);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  /** Frame 0 is on its way. */
  delete(requestId: string): void {
    if (!this.#arrived.delete(requestId)) this.#waiting.delete(requestId);
  }

  /** At once: ingress has to know whom to send something to. */
  now(requestId: string, ingressInbox: string): void {
    const value = { replica: this.#bus.replica, controlSubject: this.#bus.inbox, dispatch: 0 };
    this.#bus.mailbox.send(ingressInbox, { requestId, body: { $case: 'accepted', value } });
  }

  #tick(): void {
    for (const [requestId, ingressInbox] of this.#waiting) this.now(requestId, ingressInbox);
    this.#waiting = this.#arrived;
    this.#arrived = new Map();
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
