import { type Bus, subjects } from '@tollgate/bus';
import { encode, LeaseExtend, LeaseExtended, type Receipt } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';

/** One script at the budget Redis; longer, and it is as good as away. */
const timeoutMs = 1000;

/** Has reservations under strict limits extended before another attempt. */
export class Extensions {
  readonly #bus: Pick<Bus, 'request'>;
  readonly #logger: Logger;

  constructor(bus: Pick<Bus, 'request'>, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
  }

  /**
   * Whether the receipt's limits have room for so many attempts. No answer is a no: where it was granted all the same, settling
   * gives it back.
   */
  async granted(receipt: Receipt, times: number): Promise<boolean> {
    try {
      const bytes = encode(LeaseExtend, { receipt, times });
      return LeaseExtended.decode(await this.#bus.request(subjects.leaseExtend, bytes, timeoutMs)).granted;
    } catch (error) {
      this.#logger.warn(
        { err: error, requestId: receipt.requestId },
        'no answer about a further attempt: there is none',
      );
      return false;
    }
  }
}
