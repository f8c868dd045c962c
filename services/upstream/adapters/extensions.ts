import { type Bus, subjects } from '@tollgate/bus';
import { encode, LeaseExtend, LeaseExtended, type Receipt } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';

/** One script at the budget Redis; longer, and it is as good as away. */
const timeoutMs = 1000;

/** What became of a question: no answer is a no, but another one. */
export type ExtensionAnswer = 'granted' | 'refused' | 'unanswered';

/** Has reservations extended before another attempt: under strict limits, and of any request before it is hedged. */
export class Extensions {
  readonly #bus: Pick<Bus, 'request'>;
  readonly #logger: Logger;

  constructor(bus: Pick<Bus, 'request'>, logger: Logger) {
    this.#bus = bus;
    this.#logger = logger;
  }

  /**
   * Whether the receipt's limits have room for so many attempts: the strict ones, or for a hedge all that refuse. The receipt
   * remembers it, and that it was asked for: where it was granted and the answer lost, settling gives it back all the same.
   */
  async extend(receipt: Receipt, times: number, hedge: boolean): Promise<ExtensionAnswer> {
    receipt.extensions ??= 0;
    try {
      const bytes = encode(LeaseExtend, { receipt, times, hedge });
      const reply = await this.#bus.request(subjects.leaseExtend, bytes, timeoutMs);
      if (!LeaseExtended.decode(reply).granted) return 'refused';
      receipt.extensions = times - 1;
      return 'granted';
    } catch (error) {
      this.#logger.warn(
        { err: error, requestId: receipt.requestId },
        'no answer about a further attempt: there is none',
      );
      return 'unanswered';
    }
  }
}
