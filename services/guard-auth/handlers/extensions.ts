import type { ConfigSnapshot } from '@tollgate/config';
import { encode, LeaseExtend, LeaseExtended } from '@tollgate/contracts';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { refusingLimits } from '../domain/refusing-limits.ts';

export interface ExtensionsOptions {
  store: Pick<BudgetStore, 'extend'>;
  /** The configuration that a request was admitted by. */
  at(revision: number): ConfigSnapshot | Promise<ConfigSnapshot>;
  logger: Logger;
  metrics: Metrics;
}

/** Owners of requests, before another attempt that is not reserved: under strict limits, and of any that is hedged. */
export class Extensions {
  readonly #options: ExtensionsOptions;
  readonly #outcomes: Counter<'outcome'>;

  constructor(options: ExtensionsOptions) {
    this.#options = options;
    this.#outcomes = options.metrics.counter(
      'tollgate_lease_extensions_total',
      'Reservations that were to hold for another attempt, by outcome',
      ['outcome'],
    );
  }

  /** Never throws: a store that cannot say is a refusal, after which there is no further attempt. */
  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    const granted = await this.#extend(bytes);
    this.#outcomes.inc({ outcome: granted ? 'granted' : 'refused' });
    return encode(LeaseExtended, { granted });
  }

  async #extend(bytes: Uint8Array): Promise<boolean> {
    const { store, at, logger } = this.#options;
    try {
      const { receipt, times, hedge } = LeaseExtend.decode(bytes);
      if (receipt === undefined) return false;
      if (!hedge) return await store.extend(receipt, times);
      return await store.extend(receipt, times, refusingLimits(await at(receipt.revision), receipt));
    } catch (error) {
      logger.warn({ err: error }, 'a reservation was not extended');
      return false;
    }
  }
}
