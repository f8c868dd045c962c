import { type Bus, type BusSubscription, subjects } from '@tollgate/bus';
import type { Logger } from '@tollgate/telemetry';

const checkEveryMs = 250;

/**
 * Membership of the queue group: only while this replica can do the work. A replica that is behind with the
 * configuration, or whose usage is not acknowledged, takes nothing; others do, or ingress answers 503.
 */
export class Intake {
  readonly #bus: Bus;
  readonly #logger: Logger;
  readonly #take: (bytes: Uint8Array) => void;
  readonly #unready: () => string;
  #subscription: BusSubscription | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `unready` returns the reason, or an empty string. */
  constructor(bus: Bus, logger: Logger, take: (bytes: Uint8Array) => void, unready: () => string) {
    this.#bus = bus;
    this.#logger = logger;
    this.#take = take;
    this.#unready = unready;
  }

  get open(): boolean {
    return this.#subscription !== undefined;
  }

  start(): void {
    this.#check();
    this.#timer = setInterval(() => this.#check(), checkEveryMs);
  }

  /** Takes nothing new; what NATS has delivered already is still handled. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await subscription?.drain();
  }

  #check(): void {
    const reason = this.#unready();
    if (reason === '' && !this.#subscription) {
      this.#subscription = this.#bus.subscribe(subjects.request, this.#take, { queue: 'pipeline' });
      this.#logger.info('taking requests');
    } else if (reason !== '' && this.#subscription) {
      this.#logger.warn({ reason }, 'taking no requests');
      void this.#subscription.drain();
      this.#subscription = undefined;
    }
  }
}
