import { IdempotencyEnd } from '@tollgate/contracts';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { IdempotencyStore } from '../adapters/idempotency-store.ts';

export interface IdempotencyEndsOptions {
  store: Pick<IdempotencyStore, 'end'>;
  logger: Logger;
  metrics: Metrics;
}

const known = Uint8Array.of(1);
const unknown = new Uint8Array(0);

/** Owners of requests that hold an idempotency key tell what became of them. */
export class IdempotencyEnds {
  readonly #options: IdempotencyEndsOptions;
  readonly #ends: Counter<'outcome'>;
  readonly #evicted: Counter<never>;

  constructor(options: IdempotencyEndsOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#ends = metrics.counter(
      'tollgate_idempotency_ends_total',
      'Calls whose request held an idempotency key, by what became of the key',
      ['outcome'],
    );
    this.#evicted = metrics.counter(
      'tollgate_idempotency_evicted_total',
      'Idempotency keys forgotten before their time, to make room for newer ones',
    );
  }

  /** Never throws. The reply is empty where the store could not say: then it is told again. */
  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    const { store, logger } = this.#options;
    try {
      const end = IdempotencyEnd.decode(bytes);
      const evicted = await store.end(end);
      if (evicted) this.#evicted.inc(evicted);
      this.#ends.inc({ outcome: evicted === undefined ? 'taken_over' : outcomeOf(end) });
      return known;
    } catch (error) {
      this.#ends.inc({ outcome: 'failed' });
      logger.warn({ err: error }, 'the end of a call with an idempotency key was not kept');
      return unknown;
    }
  }
}

function outcomeOf({ answer, unkept }: IdempotencyEnd): string {
  if (unkept) return 'unkept';
  return answer.length > 0 ? 'kept' : 'freed';
}
