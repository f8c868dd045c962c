import type { IncomingHttpHeaders } from 'node:http';
import { modelPrice, type ResponseIds } from '@tollgate/config';
import type { Target } from '@tollgate/contracts';
import { callHeaders, type Endpoints } from '../adapters/endpoints.ts';
import type { UpstreamMetrics } from '../adapters/metrics.ts';
import type { Sweep } from '../adapters/sweep.ts';
import { usdText } from '../domain/cost.ts';
import type { Translation } from '../providers/index.ts';
import { type Call, priceOf } from './account.ts';
import { Attempt, type AttemptEnd } from './attempt.ts';
import { answerHeaders } from './conclude.ts';
import { namesFor } from './names-for.ts';
import type { Outbound } from './outbound.ts';
import { readerFor } from './reader-for.ts';
import type { Run } from './run.ts';

export interface CallDependencies {
  endpoints: Endpoints;
  sweep: Sweep;
  metrics: UpstreamMetrics;
  responseIds: ResponseIds;
  answerBytesMax: number;
  idleMsMax: number;
}

/**
 * Prepares an attempt whose stream, if it is one, goes to the run's caller.
 * @param onContent called before its first content goes out
 */
export function openCall(
  run: Run,
  target: Target,
  translation: Translation | undefined,
  firstContentByMs: number,
  dependencies: CallDependencies,
  onContent?: (call: Call) => void,
): Call {
  const { dispatch, answer, snapshot } = run;
  const { sweep, metrics, answerBytesMax, idleMsMax } = dependencies;
  const names = namesFor(run, target, dependencies.responseIds);
  const reader = readerFor(dispatch, (usage) => usdText(priceOf(snapshot, target, usage).nanoUsd), names, translation);
  const sink = {
    head: (headers: IncomingHttpHeaders) => {
      onContent?.(call);
      run.firstContentAtMs = Date.now();
      call.firstContentAt = performance.now();
      metrics.firstContent(target, call.firstContentAt - run.startedAt);
      if (run.recording) run.recording.headers = headers;
      answer.response({ httpStatus: 200, headers: answerHeaders(run, target, headers) });
    },
    write: (content: Buffer) => {
      run.recording?.push(content);
      return answer.write(content);
    },
    drained: () => answer.drained(),
  };
  const limits = { firstContentByMs, deadlineAtMs: dispatch.deadlineAtMs, idleMsMax, answerBytesMax };
  const attempt = new Attempt({ surface: dispatch.surface, reader, sink, translation, sweep, ...limits });
  run.attempt = attempt;
  run.target = target;
  const call: Call = { target, attempt, reader, names, firstContentAt: 0 };
  return call;
}

/** Makes the call. What stands in its way here is ours to mend, and another target may do without it. */
export async function makeCall(
  run: Run,
  { target, attempt }: Call,
  { endpoint, method, path, body }: Outbound,
  endpoints: Endpoints,
): Promise<AttemptEnd> {
  const { dispatch, snapshot } = run;
  if (!dispatch.stored && !modelPrice(snapshot, target.baseModel))
    return misconfigured(`no price for ${target.baseModel}`);
  const found = endpoints.keyOf(endpoint.provider);
  const key = found instanceof Promise ? await attempt.within(found) : found;
  if ('kind' in key) return key;
  if ('missing' in key) return misconfigured(key.missing);
  run.keyVersion = key.version;
  const { origin } = endpoint;
  const headers = callHeaders(endpoint, key.key, dispatch);
  return attempt.start(endpoints.pool(endpoint, target), { origin, method, path, headers, body });
}

function misconfigured(reason: string): AttemptEnd {
  return { kind: 'fault', fault: { kind: 'misconfigured', reason } };
}
