import type { HourRange } from '@tollgate/ledger';
import type { Counter, Gauge, Logger, Metrics } from '@tollgate/telemetry';

export interface RollupsOptions {
  ledger: { fault: string | undefined; refreshRollups(): Promise<HourRange[]> };
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

/** Keeps the sums by hour and day equal to the rows. */
export class Rollups {
  readonly #options: RollupsOptions;
  readonly #refreshes: Counter<'outcome'>;
  #freshAtMs: number;

  constructor(options: RollupsOptions) {
    this.#options = options;
    this.#freshAtMs = options.now();
    const { metrics, now } = options;
    this.#refreshes = metrics.counter('tollgate_ledger_rollup_refreshes_total', 'Refreshes of the rollups', [
      'outcome',
    ]);
    const age = (gauge: Gauge) => gauge.set((now() - this.#freshAtMs) / 1000);
    metrics.gauge('tollgate_ledger_rollup_age_seconds', 'Since the rollups were last brought up to the rows', [], age);
  }

  /** Nothing while the ledger is known to be away: the next call catches up by itself. */
  async refresh(): Promise<void> {
    const { ledger, logger, now } = this.#options;
    if (ledger.fault !== undefined) return;
    const startedAtMs = now();
    try {
      const ranges = await ledger.refreshRollups();
      this.#freshAtMs = startedAtMs;
      this.#refreshes.inc({ outcome: 'ok' });
      if (ranges.length > 0) logger.debug({ ranges, tookMs: now() - startedAtMs }, 'rollups refreshed');
    } catch (error) {
      this.#refreshes.inc({ outcome: 'failed' });
      logger.warn({ err: error }, 'rollups were not refreshed; trying again');
    }
  }
}
