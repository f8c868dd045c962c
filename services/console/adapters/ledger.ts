import { TollgateError } from '@tollgate/errors';
import { assertSchema, connect, type LedgerClient } from '@tollgate/ledger';
import type { Logger, Metrics } from '@tollgate/telemetry';
import { Breaker, type Ending } from '../domain/breaker.ts';
import { isMissingTable, ledgerFault } from '../domain/ledger-fault.ts';

/** Beyond it a question is refused: nobody waits for somebody else's slow one. */
const questionsMax = 12;

export interface Question {
  /** Label of the metrics. */
  name: 'usage' | 'sql' | 'dashboard';
  timeoutMs: number;
  /** Aborted when whoever asked is gone. */
  left?: AbortSignal;
  ownStatement?: boolean;
}

/** The ledger as the console asks it: bounded in number and time, every fault with its row in the table of errors. */
export class Ledger {
  readonly #client: LedgerClient;
  readonly #logger: Logger;
  readonly #seconds;
  readonly #breaker = new Breaker();
  readonly #now: () => number;
  #running = 0;
  #fault: string | undefined;

  constructor(options: { url: string; logger: Logger; metrics: Metrics; now(): number }) {
    this.#now = options.now;
    // No request is made before the first question: the console starts without ClickHouse.
    this.#client = connect({ url: options.url, application: 'tollgate-console', connectionsMax: questionsMax });
    this.#logger = options.logger;
    this.#seconds = options.metrics.histogram(
      'tollgate_console_ledger_question_seconds',
      'Questions to ClickHouse by their outcome: ok or the error code',
      ['question', 'outcome'],
    );
  }

  /** Why the last question was not answered; undefined when it was, or when none was asked yet. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** @throws TollgateError `store_unavailable`, `overloaded`, `invalid_request`, `internal_error` */
  async ask<T>(question: Question, run: (client: LedgerClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running >= questionsMax)
      throw new TollgateError('overloaded', {
        message: `${questionsMax} questions to the ledger are running already.`,
        retryAfterMs: 1000,
      });
    const passage = this.#breaker.enter(this.#now());
    if (typeof passage === 'number')
      throw new TollgateError('store_unavailable', {
        message: 'The ledger (ClickHouse) did not answer several times in a row: it is asked again in some seconds.',
        retryAfterMs: passage,
      });
    let ending: Ending = 'answered';
    this.#running += 1;
    const end = this.#seconds.startTimer({ question: question.name });
    const late = AbortSignal.timeout(question.timeoutMs);
    try {
      const answer = await run(this.#client, AbortSignal.any([late, ...(question.left ? [question.left] : [])]));
      this.#fault = undefined;
      end({ outcome: 'ok' });
      return answer;
    } catch (error) {
      ending = endingOf(question, late);
      const fault = await this.#explain(error, question, late);
      end({ outcome: fault.code });
      throw fault;
    } finally {
      passage.end(ending, this.#now());
      this.#running -= 1;
    }
  }

  async #explain(error: unknown, question: Question, late: AbortSignal): Promise<TollgateError> {
    const missing = isMissingTable(error) ? await this.#schemaFault() : undefined;
    const fault = ledgerFault(missing ?? error, {
      ownStatement: question.ownStatement ?? false,
      lateAfterMs: late.aborted ? question.timeoutMs : undefined,
    });
    if (question.left?.aborted) return fault;
    this.#fault = fault.code === 'store_unavailable' ? fault.message : undefined;
    if (fault.code !== 'invalid_request')
      this.#logger.warn({ question: question.name, code: fault.code, reason: fault.internal }, 'ledger: no answer');
    return fault;
  }

  async #schemaFault(): Promise<unknown> {
    try {
      await assertSchema(this.#client);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Of a question that failed. A caller's own statement may take long by itself, and an engine that refuses has answered. */
function endingOf({ left, ownStatement }: Question, late: AbortSignal): Ending {
  if (left?.aborted) return 'unknown';
  if (!late.aborted) return 'answered';
  return ownStatement ? 'unknown' : 'timed-out';
}
