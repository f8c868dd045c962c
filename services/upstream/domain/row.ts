import {
  type Attempt,
  type Billing,
  Delivery,
  RequestStatus,
  type Target,
  type TokenCounts,
  type UsageEvent,
} from '@tollgate/contracts';
import { addTokens, noTokens } from './usage.ts';

/** abandoned 1 < estimated 2 < measured 3 (contracts.md, Usage). */
const estimatedVersion = 2;
const measuredVersion = 3;

export interface RowEnd {
  status: RequestStatus;
  /** What the caller saw. */
  httpStatus: number;
  code: string;
  delivered: Delivery;
  /** Undefined when nothing served. */
  target: Target | undefined;
  served: TokenCounts;
  firstContentAtMs: number;
  /** Since this replica took the request. */
  upstreamUs: number;
  nowMs: number;
}

/** Adds one call to a provider to the row: the row's billed tokens and cost are the sums over its attempts. */
export function addAttempt(row: UsageEvent, attempt: Attempt, estimated: boolean): void {
  row.attempts.push(attempt);
  row.billed = addTokens(row.billed ?? noTokens, attempt.tokens ?? noTokens);
  row.costNanoUsd = Math.min(row.costNanoUsd + attempt.costNanoUsd, Number.MAX_SAFE_INTEGER);
  row.billing = addBilling(row.billing, attempt.billing);
  row.estimated ||= estimated;
}

function addBilling(a: Billing | undefined, b: Billing | undefined): Billing | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const toolCalls = { ...a.toolCalls };
  for (const [tool, calls] of Object.entries(b.toolCalls)) toolCalls[tool] = (toolCalls[tool] ?? 0) + calls;
  const unpriced = [...new Set([...a.unpriced, ...b.unpriced])];
  return { serviceTier: b.serviceTier || a.serviceTier, toolCalls, unpriced };
}

/** The row as it goes out; its attempts have been added before. */
export function endRow(row: UsageEvent, end: RowEnd): UsageEvent {
  const startedAtMs = row.receipt?.startedAtMs ?? end.nowMs;
  row.version = row.estimated || end.status === RequestStatus.CANCELLED ? estimatedVersion : measuredVersion;
  row.provider = end.target?.provider ?? row.attempts.at(-1)?.provider ?? '';
  row.model = end.target?.model ?? '';
  row.baseModel = end.target?.baseModel ?? '';
  row.status = end.status;
  row.httpStatus = end.httpStatus;
  row.code = end.code;
  row.delivered = end.delivered;
  row.served = end.served;
  row.stageUs.upstream = Math.min(Math.round(end.upstreamUs), 0xffff_ffff);
  row.finishedAtMs = end.nowMs;
  row.latencyMs = Math.max(0, end.nowMs - startedAtMs);
  row.ttftMs = end.firstContentAtMs === 0 ? 0 : Math.max(1, end.firstContentAtMs - startedAtMs);
  return row;
}

/** How much of an answer a caller got that did not wait for its end. */
export function deliveryOf(contentSent: boolean, callerLeft: boolean): Delivery {
  if (!callerLeft) return Delivery.COMPLETE;
  return contentSent ? Delivery.PARTIAL : Delivery.NONE;
}
