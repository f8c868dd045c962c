import type { LimitEventMessage } from '@tollgate/bus';
import { insertLimitEvents, type LedgerClient, toLimitEventRow } from '@tollgate/ledger';
import type { Counter, Metrics } from '@tollgate/telemetry';

export interface LimitEventsOptions {
  ledger: { ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> };
  metrics: Metrics;
}

/** Writes what limits told into the ledger. What the ledger does not take stays in the stream and comes again. */
export class LimitEvents {
  readonly #options: LimitEventsOptions;
  readonly #rows: Counter;

  constructor(options: LimitEventsOptions) {
    this.#options = options;
    this.#rows = options.metrics.counter(
      'tollgate_ledger_limit_events_written_total',
      'Events of limits that ClickHouse acknowledged, repeats too',
    );
  }

  /** Resolves when all are on disk. @throws SchemaError, ClickHouseError, Error when the ledger is away */
  async write(messages: readonly LimitEventMessage[]): Promise<void> {
    const rows = messages.map(({ event, seq }) => toLimitEventRow(event, seq));
    await this.#options.ledger.ask((client) => insertLimitEvents(client, rows));
    this.#rows.inc(rows.length);
  }
}
