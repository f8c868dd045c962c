import { encode, LeaseExtend, LeaseExtended } from '@tollgate/contracts';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';

export interface ExtensionsOptions {
  store: Pick<BudgetStore, 'extend'>;
  logger: Logger;
  metrics: Metrics;
}

/** Owners of requests under strict limits, before another attempt of one that was charged. */
export class Extensions {
  readonly #options: ExtensionsOptions;
  readonly #outcomes: Counter<'outcome'>;

  constructor(options: ExtensionsOptions) {
    this.#options = options;
    this.#outcomes = options.metrics.counter(
      'tollgate_lease_extensions_total',
      'Reservations under strict limits that were to hold for another attempt, by outcome',
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
    const { store, logger } = this.#options;
    try {
      const { receipt, times } = LeaseExtend.decode(bytes);
      return receipt !== undefined && (await store.extend(receipt, times));
    } catch (error) {
      logger.warn({ err: error }, 'a reservation was not extended');
      return false;
    }
  }
}
