import type { ConfigSnapshot } from '@tollgate/config';
import { type BudgetCounter, BudgetCountersReply, BudgetCountersRequest, encode } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { counterSums } from '../domain/ledger-windows.ts';

export interface CountersOptions {
  store: Pick<BudgetStore, 'built' | 'floor' | 'read'>;
  snapshot(): ConfigSnapshot | undefined;
  logger: Logger;
  now(): number;
}

/** Of one answer: with names of 64 characters it is half of what a message holds. */
const countersMax = 500;

/**
 * Answers `tg.v1.budget.counters`: what Redis holds for every limit of the configuration, in the windows that run, without those
 * that count some models or single values. It only reads.
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
    const all = counterSums(current, now(), []).filter(({ selector }) => selector === '');
    const page = all.slice(skip, skip + countersMax);
    const floorSeq = await store.floor(organizationId);
    const states = await store.read(organizationId, page);
    // Asked last: counters that were forgotten while they were read do not pass for empty ones.
    if (!(await store.built(organizationId))) throw new Error('the counters are being rebuilt');
    const counters = page.map(
      ({ scope, scopeId, quantity, window, windowStartMs, usedUntilMs: windowEndMs }, at): BudgetCounter => ({
        ...{ scope, scopeId, quantity, window, windowStartMs, windowEndMs },
        ...(states[at] ?? { spent: 0, reserved: 0 }),
      }),
    );
    return { organizationId, counters, total: all.length, floorSeq, error: '' };
  }
}

const nothing: BudgetCountersReply = { organizationId: '', counters: [], total: 0, floorSeq: 0, error: '' };
