import type { UsageMessage } from '@tollgate/bus';
import { isRate } from './rate.ts';
import { type Settlement, settlementOf, settlementsMax } from './settlement.ts';

export interface ReplayOptions {
  organizationId: string;
  /** Requests whose leases are there: they end here even where no running window needs them. */
  leases: ReadonlySet<string>;
  /** Up to this sequence the counters hold everything already. */
  countedSeq: number;
  now(): number;
}

/** Of one script call. */
export interface Portion {
  settlements: Settlement[];
  /** Those of them that the counters hold already: they are only marked, so that settling them ends their leases. */
  counted: Settlement[];
}

/** Collects what of USAGE an organization's running windows and leases need. */
export class Replay {
  readonly #options: ReplayOptions;
  #portion: Portion = { settlements: [], counted: [] };

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /** A portion, whenever one is complete. */
  add({ seq, batch }: UsageMessage): Portion | undefined {
    const { organizationId, leases, countedSeq, now } = this.#options;
    for (const event of batch.events) {
      const settlement = settlementOf(event, seq, now());
      if (settlement?.organizationId !== organizationId) continue;
      // Rates start empty: what was reserved in them is not there to be corrected.
      settlement.reservations = settlement.reservations.filter((reservation) => !isRate(reservation));
      const leased = leases.has(settlement.requestId);
      const counted = seq <= countedSeq;
      if (!leased && (counted || settlement.reservations.length === 0)) continue;
      this.#portion.settlements.push(settlement);
      if (counted) this.#portion.counted.push(settlement);
    }
    return this.#portion.settlements.length >= settlementsMax ? this.rest() : undefined;
  }

  rest(): Portion {
    const portion = this.#portion;
    this.#portion = { settlements: [], counted: [] };
    return portion;
  }
}
