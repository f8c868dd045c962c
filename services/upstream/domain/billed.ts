import type { Fault } from './fault.ts';

export interface FailedCall {
  /** The request had begun to leave. */
  sent: boolean;
  /** The provider had begun a good answer. */
  answering: boolean;
  /** The caller has had some of it. */
  contentSent: boolean;
}

/** Whether a provider bills a refusal with this HTTP status and its own code. */
export type BillsRefusal = (status: number, code: string) => boolean;

/**
 * Whether a failed call is billed though the provider did not say what it used. A call that we gave up runs on at the
 * provider and is billed; one that broke before it answered is not, nor is a rate limit, wherever it stands before the content.
 */
export function isBilled(
  fault: Fault,
  { sent, answering, contentSent }: FailedCall,
  billsRefusal: BillsRefusal,
): boolean {
  switch (fault.kind) {
    case 'timeout':
      return sent;
    case 'cut':
    case 'garbage':
      return answering;
    case 'status':
      return answering ? contentSent || fault.status !== 429 : billsRefusal(fault.status, fault.error.code);
    case 'unreachable':
    case 'misconfigured':
    case 'unserved':
      return false;
  }
}

/** The same where doubt counts as billed: a call that broke after it was sent may have been answered on the other side. */
export function mayBeBilled(fault: Fault, call: FailedCall, billsRefusal: BillsRefusal): boolean {
  return isBilled(fault, call, billsRefusal) || (fault.kind === 'cut' && call.sent);
}
