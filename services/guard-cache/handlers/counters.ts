import type { Counter, Metrics } from '@tollgate/telemetry';
import type { Swept } from '../adapters/redis/store.ts';
import type { Unfit } from '../domain/cacheable.ts';

export type LookupOutcome = 'exact' | 'semantic' | 'miss' | 'too_large' | 'failed';
export type FillOutcome = 'stored' | 'too_large' | 'overflow' | 'failed' | Unfit;

/** What the cache did, for the metrics. */
export class CacheCounters {
  readonly #lookups: Counter<'outcome'>;
  readonly #fills: Counter<'outcome'>;
  readonly #removed: Counter<'reason'>;

  constructor(metrics: Metrics) {
    this.#lookups = metrics.counter('tollgate_cache_lookups_total', 'Lookups by how they ended', ['outcome']);
    this.#fills = metrics.counter('tollgate_cache_fills_total', 'Answers offered for keeping, by what became of them', [
      'outcome',
    ]);
    this.#removed = metrics.counter('tollgate_cache_removed_total', 'Entries and vectors removed, by reason', [
      'reason',
    ]);
  }

  lookup(outcome: LookupOutcome): void {
    this.#lookups.inc({ outcome });
  }

  fill(outcome: FillOutcome): void {
    this.#fills.inc({ outcome });
  }

  swept({ evicted, expired, orphans }: Swept): void {
    if (evicted > 0) this.#removed.inc({ reason: 'evicted' }, evicted);
    if (expired > 0) this.#removed.inc({ reason: 'expired' }, expired);
    if (orphans > 0) this.#removed.inc({ reason: 'orphan' }, orphans);
  }
}
