import {
  Delivery,
  type Receipt,
  type Request,
  RequestStatus,
  type TokenCounts,
  type UsageEvent,
} from '@tollgate/contracts';
import type { Body } from './body/body.ts';

const noTokens: TokenCounts = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };

/** The ledger's row as far as pipeline knows it: of a request that used nothing yet. The owner completes it. */
export function usageRow(
  request: Request,
  receipt: Receipt,
  body: Body,
  proxy: string,
  priceListVersion: string,
): UsageEvent {
  return {
    receipt,
    version: 3,
    proxy,
    provider: '',
    modelRequested: askedModel(request, body),
    model: '',
    baseModel: '',
    surface: request.surface,
    stream: body.index.stream,
    status: RequestStatus.FAILED,
    httpStatus: 0,
    code: '',
    delivered: Delivery.COMPLETE,
    clientRequestId: request.clientRequestId,
    attempts: [],
    billed: noTokens,
    served: noTokens,
    estimated: false,
    costNanoUsd: 0,
    savedNanoUsd: 0,
    priceListVersion,
    piiEntities: {},
    cacheStatus: '',
    cacheSimilarity: 0,
    stageUs: {},
    latencyMs: 0,
    ttftMs: 0,
    metadata: request.metadata,
    finishedAtMs: 0,
    guardrailHits: {},
  };
}

/** The path's model beats the body's. */
export function askedModel(request: Request, body: Body): string {
  return request.pathModel !== '' ? request.pathModel : body.index.model;
}
