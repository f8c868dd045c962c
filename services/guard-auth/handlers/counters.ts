import type { ConfigSnapshot } from '@tollgate/config';
import { type BudgetCounter, BudgetCountersReply, BudgetCountersRequest, encode } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { readWithLeases } from '../adapters/counter-reader.ts';
import { type ToldCounter, toldCounters } from '../domain/told-counters.ts';

export interface CountersOptions {
  store: Pick<BudgetStore, 'built' | 'floor' | 'keys' | 'redis'>;
  snapshot(): ConfigSnapshot | undefined;
  logger: Logger;
  now(): number;
}

/** Of one answer, in counters without models and keys: with names of 64 characters it is half of what a message holds. */
const countersMax = 500;
/** Of a counter with models or keys: names of 128 characters are still within the message. */
const weightOf = ({ models, keys }: ToldCounter) => 1 + (models.length + keys.length) / 2;

/**
 * Answers `tg.v1.budget.counters`: what Redis holds for every limit of the configuration, in the windows that run and
 * as slots, without rates and without what counts callers apart. It only reads.
 */
export class Counters {
  readonly #options: CountersOptions;

  constructor(options: CountersOptions) {
    this.#options = options;
  }

  /** Never rejects: what went wrong stands in the answer. */
  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    try {
      return encode(BudgetCountersReply, await this.#reply(BudgetCountersRequest.decode(bytes).skip));
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'no counters for the reconciler');
      const reason = error instanceof Error ? error.message : String(error);
      return encode(BudgetCountersReply, { ...nothing, error: reason });
    }
  }

  async #reply(skip: number): Promise<BudgetCountersReply> {
    const { store, snapshot, now } = this.#options;
    const current = snapshot();
    if (!current) throw new Error('the configuration is not there yet');
    const organizationId = current.organization.id;
    const all = toldCounters(current, now());
    const page = pageOf(all, skip);
    const floorSeq = await store.floor(organizationId);
    const states = await readWithLeases(store, organizationId, page);
    // Asked last: counters that were forgotten while they were read do not pass for empty ones.
    if (!(await store.built(organizationId))) throw new Error('the counters are being rebuilt');
    const counters = page.map(
      ({ value: _, ...counter }, at): BudgetCounter => ({
        ...counter,
        ...(states[at] ?? { spent: 0, reserved: 0, leased: undefined }),
      }),
    );
    return { organizationId, counters, total: all.length, floorSeq, error: '' };
  }
}

/** From a place on as many as fit, at least one. */
function pageOf(all: readonly ToldCounter[], skip: number): ToldCounter[] {
  const page: ToldCounter[] = [];
  let weight = 0;
  for (const counter of all.slice(skip)) {
    weight += weightOf(counter);
    if (page.length > 0 && weight > countersMax) break;
    page.push(counter);
  }
  return page;
}

const nothing: BudgetCountersReply = { organizationId: '', counters: [], total: 0, floorSeq: 0, error: '' };
