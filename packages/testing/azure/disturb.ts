import type { Call } from './call.ts';
import { Refusal } from './call.ts';
import type { SharedCore } from './core.ts';
import { badRequest, errorForStatus, promptFiltered, type RateLimitFacts, rateLimited } from './errors.ts';
import { type Exchange, ExchangeEnded } from './exchange.ts';
import { type FaultSpec, matches, type Surface } from './faults.ts';
import { exhaustedHeaders, faultHeaders, modelHeaders, REGION } from './headers.ts';
import { bodyText } from './result.ts';

const OPERATIONS: Partial<Record<Surface, string>> = {
  chat: 'ChatCompletions_Create',
  responses: 'Responses_Create',
  embeddings: 'Embeddings_Create',
  models: 'Models_List',
};
const INNER_RETRY_AFTER_SECONDS = 10;

/**
 * What happens to a call before any model sees it: the deployment's own limit, and the faults that need no answer.
 * @throws Refusal, ExchangeEnded
 */
export async function disturb(call: Call, marked: FaultSpec | undefined): Promise<void> {
  const { core, exchange, deployment } = call;
  const { record } = exchange;
  const fault = chooseFault(core, exchange, deployment.name, marked);
  const quota = core.quotas.admit(deployment);
  exchange.addHeaders(modelHeaders(deployment, quota));
  if (quota.exceeded) {
    exchange.addHeaders(exhaustedHeaders(quota.exceeded, quota.windowEndsInMs));
    throw new Refusal(rateLimited(limitFacts(call, quota.exceeded, Math.ceil(quota.windowEndsInMs / 1000))));
  }

  exchange.addHeaders(faultHeaders(fault, core.options.now()));
  await breakBeforeHeaders(exchange);
  if (fault.kind === 'status') return refuseWithStatus(call, fault);
  if (fault.kind === 'promptFilter') throw new Refusal(promptFiltered());
  if (fault.kind === 'responsesRateLimit') return announceRateLimit(call, fault);
  if (fault.kind === 'errorInOk' && !record.stream) {
    exchange.refuseWith(200, 'application/json', errorBody(call));
    throw new ExchangeEnded();
  }
}

/** The fault of this call: the one in its prompt, else the first that waits for such a call. */
export function chooseFault(
  core: SharedCore,
  exchange: Exchange,
  deployment: string,
  marked: FaultSpec | undefined,
): FaultSpec {
  const { record } = exchange;
  const target = { deployment, surface: record.surface, stream: record.stream };
  const fault = (marked && matches(marked, target) ? marked : undefined) ?? core.faults.take(target) ?? {};
  exchange.fault = fault;
  if (Object.keys(fault).length > 0) record.fault = fault.kind ?? 'modifier';
  return fault;
}

/** Waits, breaks off or falls silent as the call's fault says. @throws ExchangeEnded */
export async function breakBeforeHeaders(exchange: Exchange): Promise<void> {
  const { kind, delayMs = 0 } = exchange.fault;
  if (kind === 'cutBeforeHeaders' || kind === 'resetBeforeHeaders') {
    await exchange.wait(delayMs);
    exchange.cut(kind === 'resetBeforeHeaders');
  }
  if (kind === 'hangBeforeHeaders') {
    await exchange.gone();
    throw new ExchangeEnded();
  }
  await exchange.wait(delayMs);
}

function refuseWithStatus(call: Call, fault: FaultSpec): never {
  const status = fault.status ?? 500;
  call.exchange.refuseWith(status, fault.contentType ?? 'application/json', errorBody(call));
  throw new ExchangeEnded();
}

/** Only Responses streams have it inside a 200; elsewhere it is the ordinary 429. */
function announceRateLimit(call: Call, fault: FaultSpec): void {
  const silent = fault.retryAfterSeconds === undefined && fault.retryAfterDateMs === undefined;
  const seconds = fault.retryAfterSeconds ?? INNER_RETRY_AFTER_SECONDS;
  if (silent) call.exchange.addHeaders({ 'retry-after': String(seconds) });
  call.exchange.addHeaders({ 'x-ratelimit-remaining-tokens': '0' });
  if (call.exchange.record.surface === 'responses' && call.exchange.record.stream) return;
  throw new Refusal(rateLimited(limitFacts(call, 'token', seconds)));
}

/** The body that the call's fault asks for: its own, or what Azure says with that status. */
export function errorBody(call: Call): string {
  const { fault } = call.exchange;
  if (fault.body !== undefined) return bodyText(fault.body);
  const seconds = fault.retryAfterSeconds ?? Math.ceil((fault.retryAfterMs ?? fault.retryAfterDateMs ?? 1000) / 1000);
  return JSON.stringify(errorForStatus(fault.status ?? 500, limitFacts(call, 'token', seconds)).body);
}

function limitFacts(call: Call, limit: 'token' | 'call', retryAfterSeconds: number): RateLimitFacts {
  return {
    deployment: call.deployment.name,
    baseModel: call.deployment.baseModel,
    region: REGION,
    operation: OPERATIONS[call.exchange.record.surface] ?? '',
    apiVersion: call.apiVersion,
    limit,
    retryAfterSeconds,
  };
}

/** A wrong marker in a prompt is the test's mistake and must not pass for an answer. */
export function readMarked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TypeError) throw new Refusal(badRequest(error.message));
    throw error;
  }
}
