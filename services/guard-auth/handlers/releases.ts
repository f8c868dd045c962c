import { UsageEvent } from '@tollgate/contracts';
import type { Counter, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { releasedRow } from '../domain/usage-rows.ts';

export interface ReleasesOptions {
  store: Pick<BudgetStore, 'release'>;
  publish(event: UsageEvent): void;
  metrics: Metrics;
  now(): number;
}

/** Beyond it the oldest are left to the reaper. */
const waitingMax = 10_000;
/** How often those are tried again that the store could not take. */
export const releaseRetryEveryMs = 500;

/**
 * Admissions that nobody waits for any more: the pipeline's, and our own that the store may have made after we had to say
 * that it is away. Each is kept from being made, or ends at zero. Kept until the store takes it.
 */
export class Releases {
  readonly #options: ReleasesOptions;
  readonly #waiting = new Map<string, { organizationId: string; onlyOwn: boolean }>();
  readonly #released: Counter<'outcome'>;
  #working = false;

  constructor(options: ReleasesOptions) {
    this.#options = options;
    this.#released = options.metrics.counter(
      'tollgate_auth_releases_total',
      'Admissions given up: ended at zero, never made, or left to the reaper',
      ['outcome'],
    );
  }

  /**
   * Resolves when it is done, or known that the store cannot do it now.
   * @param onlyOwn true for our own: another replica may have answered the same request meanwhile
   */
  async add(organizationId: string, requestId: string, onlyOwn: boolean): Promise<void> {
    if (this.#waiting.size >= waitingMax) {
      const oldest = this.#waiting.keys().next().value;
      if (oldest !== undefined) this.#waiting.delete(oldest);
      this.#released.inc({ outcome: 'left' });
    }
    this.#waiting.set(requestId, { organizationId, onlyOwn });
    await this.work();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Tries all that wait; stops at the first that the store does not take. */
  async work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (const [requestId, { organizationId, onlyOwn }] of this.#waiting) {
        const record = await this.#options.store.release(organizationId, requestId, onlyOwn);
        this.#waiting.delete(requestId);
        this.#released.inc({ outcome: record ? 'ended' : 'never_made' });
        if (record) this.#options.publish(releasedRow(UsageEvent.decode(record), this.#options.now()));
      }
    } catch {
      // The store is away, which its own metrics and readiness say; the next round tries again.
    } finally {
      this.#working = false;
    }
  }
}
