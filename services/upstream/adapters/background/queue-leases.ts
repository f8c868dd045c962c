import { type BackgroundStore, type Bus, subjects } from '@tollgate/bus';
import { encode, LeaseAsk, LeaseRenewal, type Receipt } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { isOver } from '../../domain/background/state.ts';
import type { Records } from './records.ts';

/** As owners do (contracts.md): a lease lives for three of these. */
const renewEveryMs = 10_000;
const receiptsMax = 100;
/** More than a queue may hold by any sensible bound; those beyond it are renewed when these are over. */
const jobsMax = 10_000;

/**
 * Keeps the reservations of what waits or runs in the background: nobody may own it at this moment, so every replica reads the queue
 * and renews what it finds. A second renewal changes nothing.
 */
export class QueueLeases {
  readonly #bus: Bus;
  readonly #store: Pick<BackgroundStore, 'jobs'>;
  readonly #records: Pick<Records, 'state'>;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #working = false;
  #again = false;

  constructor(bus: Bus, store: Pick<BackgroundStore, 'jobs'>, records: Pick<Records, 'state'>, logger: Logger) {
    this.#bus = bus;
    this.#store = store;
    this.#records = records;
    this.#logger = logger;
  }

  start(): void {
    this.#timer = setInterval(() => void this.renew(), renewEveryMs);
    // The store of budgets has lost its leases.
    this.#bus.subscribe(subjects.leaseAsk, (bytes) => void this.renew(LeaseAsk.decode(bytes).organizationId));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @param organization only what is reserved in it; left out: all */
  async renew(organization?: string): Promise<void> {
    if (this.#working) {
      // What was renewed before it was lost is renewed again.
      this.#again = true;
      return;
    }
    this.#working = true;
    try {
      let receipts: Receipt[] = [];
      for (const { requestId, receipt } of await this.#store.jobs(jobsMax)) {
        if (!receipt || (organization !== undefined && receipt.organizationId !== organization)) continue;
        // What is over is settled, and must not be reserved again.
        const found = await this.#records.state(requestId);
        if (!found || isOver(found.state)) continue;
        receipts.push(receipt);
        if (receipts.length < receiptsMax) continue;
        this.#publish(receipts);
        receipts = [];
      }
      this.#publish(receipts);
    } catch (error) {
      this.#logger.warn({ err: error }, 'leases of the background are not renewed; the next round does it');
    } finally {
      this.#working = false;
    }
    if (!this.#again) return;
    this.#again = false;
    await this.renew();
  }

  #publish(receipts: Receipt[]): void {
    if (receipts.length === 0) return;
    this.#bus.publish(subjects.leaseRenew, encode(LeaseRenewal, { replica: this.#bus.replica, receipts }));
  }
}
