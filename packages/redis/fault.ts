import { TollgateError } from '@tollgate/errors';

/** Callers are asked to come back after this; an outage of the store ends in seconds or not soon. */
const retryAfterMs = 1000;

export type StoreFaultReason = 'away' | 'breaker' | 'deadline' | 'lost' | 'refused';

/** The store did not answer, or not as a store should. */
export class StoreFault extends TollgateError {
  /**
   * away, breaker: nothing was sent. deadline, lost: sent, and the store may have done it. refused: the store answered
   * with an error and did nothing.
   */
  readonly reason: StoreFaultReason;

  constructor(reason: StoreFaultReason, internal: string) {
    super('store_unavailable', { internal, retryAfterMs });
    this.reason = reason;
  }

  /** True when the store may have done what it was asked. */
  get uncertain(): boolean {
    return this.reason === 'deadline' || this.reason === 'lost';
  }
}
