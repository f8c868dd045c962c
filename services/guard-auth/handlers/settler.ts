import type { UsageMessage } from '@tollgate/bus';
import { TollgateError } from '@tollgate/errors';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import type { CompletionMeans } from '../domain/completion-means.ts';
import { inCalls, type Settlement, settlementOf } from '../domain/settlement.ts';

export interface SettlerOptions {
  store: Pick<BudgetStore, 'settle'>;
  means: CompletionMeans;
  /** Resolves to false when the organization's counters are not there within `timeoutMs`. */
  whenBuilt(organizationId: string, timeoutMs: number): Promise<boolean>;
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

/** Shorter than the consumer's patience; then the batch is given back. */
const builtWithinMs = 10_000;

/** Usage events to counters. A batch that was not settled completely is settled again: repeats change nothing. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #events: Counter<'outcome'>;

  constructor(options: SettlerOptions) {
    this.#options = options;
    this.#events = options.metrics.counter('tollgate_settled_events_total', 'Usage events by what became of them', [
      'outcome',
    ]);
  }

  /** @throws TollgateError `store_unavailable`: nothing may be acknowledged */
  async settle(messages: UsageMessage[]): Promise<void> {
    const { means, store, logger, now } = this.#options;
    const settlements: Settlement[] = [];
    for (const { seq, batch, redelivered } of messages) {
      for (const event of batch.events) {
        const settlement = settlementOf(event, seq, now());
        if (settlement) {
          settlements.push(settlement);
          if (!redelivered) means.learn(event);
        } else {
          this.#events.inc({ outcome: 'unreadable' });
          logger.error({ seq, batch: batch.batchId }, 'usage event that cannot be settled: no receipt, or no figures');
        }
      }
    }
    for (const call of inCalls(settlements)) {
      const organizationId = call[0]?.organizationId ?? '';
      while (!(await store.settle(organizationId, call))) await this.#untilBuilt(organizationId);
      this.#events.inc({ outcome: 'settled' }, call.length);
    }
  }

  async #untilBuilt(organizationId: string): Promise<void> {
    if (await this.#options.whenBuilt(organizationId, builtWithinMs)) return;
    throw new TollgateError('store_unavailable', { internal: `counters of ${organizationId} are not rebuilt yet` });
  }
}
