import type { UsageMessage } from '@tollgate/bus';
import type { Reservation } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import type { ModelMeasures } from '../domain/model-measures.ts';
import { inCalls, type Settlement, settlementOf } from '../domain/settlement.ts';
import type { Reached, Watch } from '../domain/threshold-watch.ts';

export interface SettlerOptions {
  store: Pick<BudgetStore, 'settleWatching'>;
  measures: ModelMeasures;
  /** Resolves to false when the organization's counters are not there within `timeoutMs`. */
  whenBuilt(organizationId: string, timeoutMs: number): Promise<boolean>;
  /** Limits that tell what an organization's counter reaches. */
  watch(organizationId: string, reservation: Reservation): Watch[];
  tell(organizationId: string, reached: Reached[]): Promise<void>;
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
    const { measures, tell, logger, now } = this.#options;
    const settlements: Settlement[] = [];
    for (const { seq, batch, redelivered } of messages) {
      for (const event of batch.events) {
        const settlement = settlementOf(event, seq, now());
        if (settlement) {
          settlements.push(settlement);
          if (!redelivered) measures.learn(event);
        } else {
          this.#events.inc({ outcome: 'unreadable' });
          logger.error({ seq, batch: batch.batchId }, 'usage event that cannot be settled: no receipt, or no figures');
        }
      }
    }
    for (const call of inCalls(settlements)) {
      const organizationId = call[0]?.organizationId ?? '';
      const reached = await this.#settled(organizationId, call);
      this.#events.inc({ outcome: 'settled' }, call.length);
      // Before the messages are acknowledged: whoever gets them again would find it untold.
      if (reached.length > 0) await tell(organizationId, reached);
    }
  }

  async #settled(organizationId: string, call: Settlement[]): Promise<Reached[]> {
    const { store, watch } = this.#options;
    for (;;) {
      const reached = await store.settleWatching(organizationId, call, (one) => watch(organizationId, one));
      if (reached) return reached;
      await this.#untilBuilt(organizationId);
    }
  }

  async #untilBuilt(organizationId: string): Promise<void> {
    if (await this.#options.whenBuilt(organizationId, builtWithinMs)) return;
    throw new TollgateError('store_unavailable', { internal: `counters of ${organizationId} are not rebuilt yet` });
  }
}
