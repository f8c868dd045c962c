import type { Counter, Metrics } from '@tollgate/telemetry';

/** What was scanned and found, for the metrics: numbers only. */
export class PiiCounters {
  readonly #scans: Counter<'where'>;
  readonly #findings: Counter<'entity'>;

  constructor(metrics: Metrics) {
    this.#scans = metrics.counter('tollgate_pii_scans_total', 'Requests scanned, by main thread or thread', ['where']);
    this.#findings = metrics.counter('tollgate_pii_findings_total', 'Values masked, by entity', ['entity']);
  }

  scanned(where: 'main' | 'thread', entities: Readonly<Record<string, number>>): void {
    this.#scans.inc({ where });
    for (const entity in entities) this.#findings.inc({ entity }, entities[entity]);
  }
}
