import { payloadBytesMax } from '@tollgate/bus';
import { encode, ReconcileReply } from '@tollgate/contracts';
import { COMPARISONS, type Comparison, type Finding, type Reconciliation } from '@tollgate/ledger';
import type { Counter, Gauge, Logger, Metrics } from '@tollgate/telemetry';

export interface ReconcilerOptions {
  ledger: {
    fault: string | undefined;
    recordFindings(findings: readonly Finding[]): Promise<Reconciliation>;
    newestFindings(ageMsMax: number): Promise<Reconciliation | undefined>;
  };
  /** The first finding of each is about the comparison as a whole. */
  compare: Readonly<Record<Comparison, () => Promise<Finding[]>>>;
  /** A run of any replica that is younger than half of it is as good as an own one, milliseconds. */
  everyMs: number;
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

/** Findings that one answer holds; the table has all. */
const answeredMax = 300;
const textMax = 500;

/** Compares JetStream, ClickHouse and Redis, now and then and on demand; what differs becomes a metric and rows of `reconciliations`. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #differences: Gauge<'compared'>;
  readonly #runs: Counter<'outcome'>;
  #newest: { run: string; atMs: number } | undefined;
  #running: Promise<Reconciliation> | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { metrics, now } = options;
    this.#differences = metrics.gauge(
      'tollgate_reconciliation_differences',
      'Between JetStream, ClickHouse and Redis in the newest run',
      ['compared'],
    );
    this.#runs = metrics.counter('tollgate_reconciliation_runs_total', 'Runs of the reconciler', ['outcome']);
    const startedAtMs = now();
    const age = (gauge: Gauge) => gauge.set((now() - (this.#newest?.atMs ?? startedAtMs)) / 1000);
    metrics.gauge('tollgate_reconciliation_age_seconds', 'Since the newest run of any replica', [], age);
  }

  /** One step of the clock's: nothing while the ledger is known to be away, nor when another replica has just done it. */
  async work(): Promise<void> {
    const { ledger, everyMs, logger } = this.#options;
    if (ledger.fault !== undefined) return;
    try {
      const newest = await ledger.newestFindings(Math.round(everyMs / 2));
      if (newest) this.#show(newest);
      else await this.run();
    } catch (error) {
      logger.warn({ err: error }, 'the books were not compared; trying again');
    }
  }

  /** @throws Error when what was found cannot be kept */
  run(): Promise<Reconciliation> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** For who asks over the bus. Never rejects: what went wrong stands in the answer. */
  async answer(): Promise<Uint8Array> {
    try {
      const { run, findings } = await this.run();
      const told = findings.slice(0, answeredMax).map((finding) => ({
        ...finding,
        what: finding.what.slice(0, textMax),
        detail: finding.detail.slice(0, textMax),
      }));
      const bytes = encode(ReconcileReply, { run, findings: told, error: '' });
      if (bytes.length <= payloadBytesMax) return bytes;
      return encode(ReconcileReply, { run, findings: told.filter(({ what }) => what === ''), error: '' });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return encode(ReconcileReply, { run: '', findings: [], error: reason });
    }
  }

  async #run(): Promise<Reconciliation> {
    const { ledger, logger } = this.#options;
    try {
      const findings: Finding[] = [];
      for (const comparison of COMPARISONS) findings.push(...(await this.#compare(comparison)));
      const kept = await ledger.recordFindings(findings);
      const differing = findings.filter(({ outcome, what }) => outcome === 'differs' && what !== '');
      if (differing.length > 0) logger.error({ run: kept.run, differing: differing.slice(0, 20) }, 'the books differ');
      this.#runs.inc({ outcome: differing.length > 0 ? 'differs' : 'equal' });
      this.#show(kept);
      return kept;
    } catch (error) {
      this.#runs.inc({ outcome: 'failed' });
      throw error;
    }
  }

  async #compare(compared: Comparison): Promise<Finding[]> {
    try {
      return await this.#options.compare[compared]();
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return [{ compared, outcome: 'skipped', what: '', expected: 0, found: 0, detail }];
    }
  }

  #show({ run, findings }: Reconciliation): void {
    if (this.#newest?.run === run) return;
    this.#newest = { run, atMs: this.#options.now() };
    for (const comparison of COMPARISONS) {
      const differing = findings.filter((finding) => finding.compared === comparison && finding.outcome === 'differs');
      this.#differences.set({ compared: comparison }, differing.filter(({ what }) => what !== '').length);
    }
  }
}
