import { Delivery, type Receipt, RequestStatus, type Surface, type UsageEvent } from '@tollgate/contracts';

/** What is known at admission beside the receipt, for the row of a request whose owner dies. */
export interface LeaseContext {
  proxy: string;
  modelRequested: string;
  surface: Surface;
  stream: boolean;
  metadata: Record<string, string>;
  /** Of the estimate, at the price of the dearest model that may serve it: an unknown price is never zero. */
  costNanoUsd: number;
  priceListVersion: string;
}

const uint32Max = 0xffff_ffff;

/** The row that a lease becomes when its owner dies: charged at the estimate, replaced by any better knowledge. */
export function abandonedRow(receipt: Receipt, context: LeaseContext): UsageEvent {
  const estimated = {
    prompt: receipt.estimatedPromptTokens,
    completion: receipt.estimatedCompletionTokens,
    cachedPrompt: 0,
    reasoning: 0,
  };
  return {
    receipt,
    version: 1,
    proxy: context.proxy,
    provider: '',
    modelRequested: context.modelRequested,
    model: '',
    baseModel: '',
    surface: context.surface,
    stream: context.stream,
    status: RequestStatus.ABANDONED,
    httpStatus: 502,
    code: 'gateway_interrupted',
    delivered: Delivery.UNSPECIFIED,
    clientRequestId: '',
    attempts: [],
    billed: estimated,
    served: { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 },
    estimated: true,
    costNanoUsd: context.costNanoUsd,
    savedNanoUsd: 0,
    priceListVersion: context.priceListVersion,
    piiEntities: {},
    cacheStatus: '',
    cacheSimilarity: 0,
    stageUs: {},
    latencyMs: 0,
    ttftMs: 0,
    metadata: context.metadata,
    finishedAtMs: 0,
    guardrailHits: {},
  };
}

/** The row of an admission that its pipeline did not wait for: nothing was called, nothing is charged. */
export function releasedRow(record: UsageEvent, nowMs: number): UsageEvent {
  return {
    ...finished(record, nowMs),
    version: 3,
    status: RequestStatus.FAILED,
    httpStatus: 503,
    code: 'guard_unavailable',
    delivered: Delivery.NONE,
    billed: { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 },
    estimated: false,
    costNanoUsd: 0,
  };
}

/** A lease's record as it is published. */
export function finished(record: UsageEvent, nowMs: number): UsageEvent {
  const startedAtMs = record.receipt?.startedAtMs ?? nowMs;
  return { ...record, finishedAtMs: nowMs, latencyMs: Math.min(uint32Max, Math.max(0, nowMs - startedAtMs)) };
}

/** What a lease's record becomes of which an ingress had sent content to the caller: the estimate stays, nobody knows better. */
export function cutRow(record: UsageEvent, nowMs: number): UsageEvent {
  const row = finished(record, nowMs);
  return { ...row, status: RequestStatus.TRUNCATED, httpStatus: 200, delivered: Delivery.PARTIAL };
}
