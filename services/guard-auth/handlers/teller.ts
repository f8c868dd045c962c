import { type ConfigSnapshot, thresholdsOf } from '@tollgate/config';
import type { LimitEvent } from '@tollgate/contracts';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import type { CounterState } from '../domain/charge.ts';
import { refusedEvent, thresholdEvents } from '../domain/limit-events.ts';
import type { Plan, Refusal } from '../domain/plan.ts';
import type { Reached, Watch } from '../domain/threshold-watch.ts';

export interface TellerOptions {
  store: Pick<BudgetStore, 'told'>;
  /** True: the event is new. False: it was told before. Rejects when nobody took it. */
  publish(event: LimitEvent): Promise<boolean>;
  snapshot(): ConfigSnapshot | undefined;
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

/** Events that nobody took, and refusals that were told: further ones push the oldest out. */
const eventsMax = 10_000;
export const tellAgainEveryMs = 2000;

/**
 * Says what limits have to tell, once: an event has the same id whoever says it, and the stream takes an id once. What
 * nobody takes is kept and said again, and never keeps usage from being settled.
 */
export class Teller {
  readonly #options: TellerOptions;
  readonly #events: Counter<'kind' | 'outcome'>;
  /** By id. */
  readonly #waiting = new Map<string, LimitEvent>();
  readonly #refused = new Set<string>();

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#events = options.metrics.counter(
      'tollgate_limit_events_total',
      'What limits told: told, known already, or kept because nobody took it',
      ['kind', 'outcome'],
    );
  }

  /** Events that nobody took yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when each was told, or is kept. Never rejects. */
  async tell(organizationId: string, reached: Reached[]): Promise<void> {
    const { snapshot, store, logger, now } = this.#options;
    const current = snapshot();
    if (!current || reached.length === 0) return;
    const told: { watch: Watch; percent: number }[] = [];
    const tellOne = async (each: Reached) => {
      const events = thresholdEvents(each, current, now());
      const taken = await Promise.all(events.map((event) => this.#publish(event)));
      const upTo = taken.indexOf(false) < 0 ? events.length : taken.indexOf(false);
      const percent = events[upTo - 1]?.percent;
      if (percent !== undefined) told.push({ watch: each.watch, percent });
    };
    await Promise.all(reached.map(tellOne));
    if (told.length === 0) return;
    // Missed, it is told again under the same id, which changes nothing.
    await store
      .told(organizationId, told)
      .catch((error: unknown) => logger.warn({ err: error }, 'told thresholds were not noted'));
  }

  /** The first refusal of a limit in a window, as far as this replica knows. */
  refused(plan: Plan, { check, spent }: Refusal, state: CounterState | undefined, snapshot: ConfigSnapshot): void {
    const { limit, charge } = check;
    const counter = plan.charges[charge]?.reservation;
    if (!spent || !counter || thresholdsOf(limit.limit).length === 0) return;
    const { scopeId, quantity, window, windowStartMs, selector, value } = counter;
    const { amount, mode } = limit.limit;
    const name = [limit.scope, scopeId, quantity, window, windowStartMs, selector, value, mode, amount].join(' ');
    if (this.#refused.has(name)) return;
    if (this.#refused.size >= eventsMax) this.#refused.clear();
    this.#refused.add(name);
    const event = refusedEvent({ limit, counter }, state ?? { spent: 0, reserved: 0 }, snapshot, this.#options.now());
    void this.#publish(event);
  }

  /** Says again what nobody took. */
  async work(): Promise<void> {
    for (const [id, event] of this.#waiting) {
      this.#waiting.delete(id);
      if (!(await this.#publish(event))) return;
    }
  }

  /** False: kept. */
  async #publish(event: LimitEvent): Promise<boolean> {
    const { publish, logger } = this.#options;
    const { id, kind } = event;
    if (this.#waiting.has(id)) return false;
    try {
      const isNew = await publish(event);
      this.#events.inc({ kind, outcome: isNew ? 'told' : 'known' });
      return true;
    } catch (error) {
      this.#events.inc({ kind, outcome: 'kept' });
      if (this.#waiting.size === 0) logger.warn({ err: error, id }, 'nobody took an event of a limit; saying it again');
      const [oldest] = this.#waiting.keys();
      if (this.#waiting.size >= eventsMax && oldest !== undefined) this.#waiting.delete(oldest);
      this.#waiting.set(id, event);
      return false;
    }
  }
}
