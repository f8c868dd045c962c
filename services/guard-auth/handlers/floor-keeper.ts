import type { BudgetStore } from '../adapters/budget-store.ts';
import { FloorHistory } from '../domain/floor-history.ts';

export const trimEveryMs = 10_000;

export interface FloorKeeperOptions {
  store: Pick<BudgetStore, 'trim'>;
  /** Everything of USAGE up to this sequence is settled and acknowledged. */
  ackFloor(): Promise<number>;
  now(): number;
}

/** Tells the store how far USAGE is settled, and lets it forget marks that nobody will ask for any more. */
export class FloorKeeper {
  readonly #options: FloorKeeperOptions;
  readonly #history = new FloorHistory();

  constructor(options: FloorKeeperOptions) {
    this.#options = options;
  }

  /** @throws whatever the bus or the store throws; the next step begins the grace anew */
  async trim(organizationIds: Iterable<string>): Promise<void> {
    const { store, ackFloor, now } = this.#options;
    let floorSeq: number;
    try {
      floorSeq = await ackFloor();
    } catch (error) {
      this.#history.reset();
      throw error;
    }
    const forgetSeq = this.#history.add(floorSeq, now());
    for (const organizationId of organizationIds) await store.trim(organizationId, floorSeq, forgetSeq);
  }
}
