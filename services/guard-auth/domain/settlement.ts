import { RequestStatus, type Reservation, type UsageEvent } from '@tollgate/contracts';
import { countsStill } from './charge.ts';
import { mayHoldMore } from './grant.ts';
import { isRate } from './rate.ts';

/** Version of usage that the provider reported: nothing replaces it. */
export const measured = 3;

/** What one usage event says to the counters. */
export interface Settlement {
  requestId: string;
  organizationId: string;
  /** abandoned 1 < estimated 2 < measured 3 */
  version: number;
  /** Of USAGE. */
  seq: number;
  startedAtMs: number;
  promptTokens: number;
  completionTokens: number;
  costNanoUsd: number;
  /** What served; empty when nobody knows. Limits with a filter charge by it. */
  model: string;
  /** Its lease may hold more than once what the reservations say. */
  mayHoldMore: boolean;
  /** The receipt's, without windows that ended long ago, and without rates if the usage is old. */
  reservations: Reservation[];
}

/** Undefined for an event that nobody can settle: without a receipt, or with figures that are none. */
export function settlementOf(event: UsageEvent, seq: number, nowMs: number): Settlement | undefined {
  const { receipt, billed } = event;
  if (!receipt?.requestId || !receipt.organizationId) return undefined;
  const figures = [billed?.prompt ?? 0, billed?.completion ?? 0, event.costNanoUsd];
  if (!figures.every((figure) => Number.isSafeInteger(figure) && figure >= 0)) return undefined;
  return {
    requestId: receipt.requestId,
    organizationId: receipt.organizationId,
    version: event.version,
    seq,
    startedAtMs: receipt.startedAtMs,
    promptTokens: billed?.prompt ?? 0,
    completionTokens: billed?.completion ?? 0,
    costNanoUsd: event.costNanoUsd,
    model: event.model,
    mayHoldMore: mayHoldMore(receipt) || isGivenUp(event),
    reservations: receipt.reservations.filter((reservation) =>
      isRate(reservation) ? flowsStill(event.finishedAtMs, nowMs) : countsStill(reservation.windowEndMs, nowMs),
    ),
  };
}

/** A pipeline's row of a request that no upstream took, as far as it knows: if one did, the lease may have been extended since. */
function isGivenUp({ status, attempts }: UsageEvent): boolean {
  return status === RequestStatus.FAILED && attempts.length === 0;
}

/** The longest window of a rate, in ms. What was used before it has flowed back, however late it is told. */
const rateMsMax = 60_000;

function flowsStill(finishedAtMs: number, nowMs: number): boolean {
  return finishedAtMs === 0 || nowMs < finishedAtMs + rateMsMax;
}

/** At most this many in one script call: the server serves nobody else meanwhile (about 10 µs for each). */
export const settlementsMax = 200;

/** One list for each script call: of one organization, bounded, in the order in which they came. */
export function inCalls(settlements: Settlement[]): Settlement[][] {
  const calls: Settlement[][] = [];
  const open = new Map<string, Settlement[]>();
  for (const settlement of settlements) {
    let call = open.get(settlement.organizationId);
    if (!call || call.length >= settlementsMax) {
      call = [];
      open.set(settlement.organizationId, call);
      calls.push(call);
    }
    call.push(settlement);
  }
  return calls;
}
