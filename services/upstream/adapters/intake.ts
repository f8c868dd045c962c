import { type Bus, type BusSubscription, subjects } from '@tollgate/bus';
import type { Logger } from '@tollgate/telemetry';

const checkEveryMs = 250;

export interface IntakeOptions {
  bus: Bus;
  logger: Logger;
  take: (bytes: Uint8Array) => void;
  /** Providers that this replica calls, by the configuration of this moment. */
  providers(): readonly string[];
  /** Why no work can be taken; empty when it can. */
  unready(): string;
}

/** Membership of the queue groups, one a provider: only while this replica can do the work. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #subscriptions = new Map<string, BusSubscription>();
  #timer: NodeJS.Timeout | undefined;
  #reason = 'starting';

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** True, or why nothing is taken. */
  get ready(): true | string {
    return this.#reason === '' || this.#reason;
  }

  start(): void {
    this.check();
    this.#timer = setInterval(() => this.check(), checkEveryMs);
  }

  /** Takes nothing new; resolves when the server knows. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#reason = 'draining';
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
  }

  /** Joins and leaves queue groups as the configuration and this replica's state ask for it. */
  check(): void {
    const { bus, logger, take, providers, unready } = this.#options;
    if (this.#reason === 'draining') return;
    const reason = unready();
    if (reason !== this.#reason) {
      if (reason === '') logger.info('taking requests');
      else logger.warn({ reason }, 'taking no requests');
      this.#reason = reason;
    }
    const wanted = new Set(reason === '' ? providers() : []);
    for (const [provider, subscription] of this.#subscriptions) {
      if (wanted.has(provider)) continue;
      void subscription.drain().catch(() => undefined);
      this.#subscriptions.delete(provider);
    }
    for (const provider of wanted) {
      if (this.#subscriptions.has(provider)) continue;
      this.#subscriptions.set(provider, bus.subscribe(subjects.dispatch(provider), take, { queue: 'upstream' }));
    }
  }
}
