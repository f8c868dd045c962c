import { UsageEvent } from '@tollgate/contracts';
import type { Counter, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { cutRow, finished } from '../domain/usage-rows.ts';

export interface ReaperOptions {
  store: Pick<BudgetStore, 'expired' | 'cutOff'>;
  publish(event: UsageEvent): void;
  /** True: usage is not being acknowledged; nothing is added to it then. */
  full(): boolean;
  metrics: Metrics;
  now(): number;
}

/** Leases of one step. */
const leasesMax = 100;
/** When the event was not settled by then, a reaper publishes it again. */
const hiddenMsDefault = 30_000;
export const reapEveryMs = 5000;

/**
 * Publishes `abandoned` for leases whose owners are gone, `truncated` where content had gone out. It changes no counter and ends no lease: settling the event
 * does, once, however many reapers published it.
 */
export class Reaper {
  readonly #options: ReaperOptions;
  readonly #reaped: Counter;

  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#reaped = options.metrics.counter('tollgate_leases_abandoned_total', 'Leases that ran out and were published');
  }

  /** @throws StoreFault */
  async reap(organizationId: string, hiddenMs = hiddenMsDefault): Promise<number> {
    const { store, publish, full, now } = this.#options;
    for (let reaped = 0; ; ) {
      if (full()) return reaped;
      const records = await store.expired(organizationId, leasesMax, hiddenMs);
      const events = records.map((record) => UsageEvent.decode(record));
      const cut = await store.cutOff(organizationId, events.map(requestIdOf));
      for (const event of events) publish(cut.has(requestIdOf(event)) ? cutRow(event, now()) : finished(event, now()));
      this.#reaped.inc(records.length);
      reaped += records.length;
      if (records.length < leasesMax) return reaped;
    }
  }
}

function requestIdOf({ receipt }: UsageEvent): string {
  return receipt?.requestId ?? '';
}
