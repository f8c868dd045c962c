import { type Bus, subjects } from '@tollgate/bus';
import { encode, LeaseAsk, LeaseRenewal, type Receipt } from '@tollgate/contracts';

/** contracts.md: one batch a replica every 10 s, of requests that live longer than that. */
const renewEveryMs = 10_000;
/** Receipts in one message: each has some hundred bytes for every window that it reserves in. */
const receiptsMax = 100;

/** Keeps the reservations of what this replica owns. */
export class Leases {
  readonly #bus: Bus;
  readonly #receipts: () => Receipt[];
  #timer: NodeJS.Timeout | undefined;

  /** @param receipts of all requests owned at this moment */
  constructor(bus: Bus, receipts: () => Receipt[]) {
    this.#bus = bus;
    this.#receipts = receipts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#renewOld(), renewEveryMs);
    this.#bus.subscribe(subjects.leaseAsk, (bytes) => this.#asked(LeaseAsk.decode(bytes).organizationId));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #renewOld(): void {
    const before = Date.now() - renewEveryMs;
    this.#renew(this.#receipts().filter(({ startedAtMs }) => startedAtMs <= before));
  }

  /** The store lost its leases: all of that organisation, old or new. */
  #asked(organization: string): void {
    this.#renew(this.#receipts().filter(({ organizationId }) => organizationId === organization));
  }

  #renew(receipts: Receipt[]): void {
    for (let start = 0; start < receipts.length; start += receiptsMax) {
      const renewal = { replica: this.#bus.replica, receipts: receipts.slice(start, start + receiptsMax) };
      this.#bus.publish(subjects.leaseRenew, encode(LeaseRenewal, renewal));
    }
  }
}
