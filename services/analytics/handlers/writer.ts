import type { UsageMessage } from '@tollgate/bus';
import type { UsageRow } from '@tollgate/ledger';
import type { Counter, Histogram, Logger, Metrics } from '@tollgate/telemetry';
import { backoffMs } from '../domain/backoff.ts';
import { rowsOf } from '../domain/rows.ts';

export interface WriterOptions {
  ledger: { insert(rows: readonly UsageRow[], signal: AbortSignal): Promise<void> };
  /** A batch of so many messages is full: the next one follows at once. */
  batchMax: number;
  /** Pause after a batch that was not full. */
  pauseMs: number;
  /** Ends waiting and trying; what was not acknowledged is delivered again. */
  stopping: AbortSignal;
  logger: Logger;
  metrics: Metrics;
  now(): number;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Writes batches of USAGE into the ledger. A batch is held and tried until the ledger has it, and nothing more is pulled meanwhile: so memory
 * is bounded while the ledger is away, and a message is acknowledged only when its rows are on disk.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #rows: Counter;
  readonly #malformed: Counter;
  readonly #failures: Counter;
  readonly #seconds: Histogram;
  #nextAtMs = 0;

  constructor(options: WriterOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#rows = metrics.counter(
      'tollgate_ledger_rows_written_total',
      'Rows that ClickHouse acknowledged, repeats too',
    );
    this.#malformed = metrics.counter(
      'tollgate_ledger_events_malformed_total',
      'Usage events that belong to no row, dropped',
    );
    this.#failures = metrics.counter('tollgate_ledger_write_failures_total', 'Writes that failed and were tried again');
    this.#seconds = metrics.histogram(
      'tollgate_ledger_write_seconds',
      'From a batch to its acknowledgement by ClickHouse',
    );
  }

  /** Resolves when every row is on disk. Rejects only when the service stops. */
  async write(messages: readonly UsageMessage[]): Promise<void> {
    const { batchMax, logger, now, pauseMs } = this.#options;
    if (messages.length < batchMax) await this.#pause(this.#nextAtMs - now());
    const { rows, malformed } = rowsOf(messages);
    for (const event of malformed) logger.error(event, 'a usage event belongs to no row and was dropped');
    this.#malformed.inc(malformed.length);
    if (rows.length > 0) await this.#untilWritten(rows);
    this.#nextAtMs = now() + pauseMs;
  }

  async #untilWritten(rows: readonly UsageRow[]): Promise<void> {
    const { ledger, logger, now, stopping } = this.#options;
    const startedAtMs = now();
    for (let failures = 0; ; ) {
      stopping.throwIfAborted();
      try {
        // A write that has begun is not cut short by a stop: its rows would be written again by another replica.
        await ledger.insert(rows, AbortSignal.timeout(WRITE_MS_MAX));
        break;
      } catch (error) {
        failures++;
        this.#failures.inc();
        const pauseMs = backoffMs(failures);
        logger.warn(
          { err: error, rows: rows.length, failures, pauseMs },
          'the ledger did not take usage; trying again',
        );
        await this.#pause(pauseMs);
      }
    }
    this.#rows.inc(rows.length);
    this.#seconds.observe((now() - startedAtMs) / 1000);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await this.#options.wait(ms, this.#options.stopping);
  }
}

/** A server that is slower than that is taken for away. */
const WRITE_MS_MAX = 30_000;
