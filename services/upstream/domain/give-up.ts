import { TollgateError } from '@tollgate/errors';
import type { Fault, Stage } from './fault.ts';
import type { Blame } from './verdict.ts';

export interface Failure {
  fault: Fault;
  blame: Blame;
}

const stageTexts: Record<Stage, string> = {
  connecting: 'connecting to the provider',
  answer: "waiting for the provider's answer",
  content: "waiting for the first content of the provider's stream",
  stream: "waiting for more of the provider's stream",
};

/**
 * The caller's error when no target is left: 429 when all that could serve are limited, 502 `upstream_misconfigured` when
 * all refused our credential or do not know the deployment, 504 when time ran out, what the first says of the request where
 * none can be asked for it, else 502 `upstream_error`.
 * @param elapsedMs since the request arrived
 */
export function giveUp(failures: readonly Failure[], elapsedMs: number): TollgateError {
  const internal = failures.map(({ fault }) => describe(fault)).join('; ');
  const blames = new Set(failures.map(({ blame }) => blame));
  blames.delete('caller');
  if (blames.has('provider')) return new TollgateError('upstream_error', { internal });
  if (blames.has('timeout')) return timeoutError(stageOf(failures), elapsedMs, internal);
  if (blames.has('rate_limited'))
    return new TollgateError('upstream_rate_limited', { internal, retryAfterMs: soonest(failures) });
  if (blames.has('misconfigured')) return new TollgateError('upstream_misconfigured', { internal });
  const unserved = failures.find(({ fault }) => fault.kind === 'unserved')?.fault;
  if (unserved?.kind === 'unserved') return unserved.error;
  return new TollgateError('upstream_error', { internal: internal || 'no target was given' });
}

export function timeoutError(stage: Stage, elapsedMs: number, internal = `timeout: ${stage}`): TollgateError {
  const seconds = (elapsedMs / 1000).toFixed(1);
  const message = `The provider did not answer in time: after ${seconds} s the gateway was still ${stageTexts[stage]} (stage upstream).`;
  return new TollgateError('upstream_timeout', { message, internal });
}

/** For logs: never the provider's text, which may repeat the caller's. */
export function describe(fault: Fault): string {
  switch (fault.kind) {
    case 'status':
      return `status ${fault.status} ${fault.error.code}`.trimEnd();
    case 'timeout':
      return `timeout: ${fault.stage}`;
    case 'unserved':
      return `unserved: ${fault.error.param || fault.error.internal || fault.error.code}`;
    default:
      return `${fault.kind}: ${fault.reason}`;
  }
}

function stageOf(failures: readonly Failure[]): Stage {
  const last = failures.findLast(({ fault }) => fault.kind === 'timeout')?.fault;
  return last?.kind === 'timeout' ? last.stage : 'answer';
}

/** Undefined when no provider said: the error table's default then. */
function soonest(failures: readonly Failure[]): number | undefined {
  const waits = failures.flatMap(({ fault }) =>
    fault.kind === 'status' && fault.status === 429 ? fault.retryAfterMs : [],
  );
  const known = waits.filter((ms) => ms > 0);
  return known.length > 0 ? Math.min(...known) : undefined;
}
