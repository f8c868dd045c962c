import { type Bus, subjects } from '@tollgate/bus';
import { encode, RouteReport, type Target } from '@tollgate/contracts';
import type { Outcome } from '../domain/verdict.ts';
import type { Run } from './run.ts';

/** Tells guard-router of failures, and of what came of a probe in any case. */
export function report(
  bus: Bus,
  run: Run,
  { provider, model, probe }: Target,
  outcome: Outcome,
  retryAfterMs = 0,
): void {
  const told = probe && outcome === 'none' ? 'suspect' : outcome;
  if (told === 'none' || (told === 'ok' && !probe)) return;
  const { requestId, dispatch } = run;
  const { revision } = dispatch;
  const atMs = Date.now();
  const message = {
    requestId,
    provider,
    model,
    outcome: told,
    retryAfterMs,
    atMs,
    probe,
    revision,
    proxy: dispatch.proxyId,
  };
  bus.publish(subjects.routeReport, encode(RouteReport, message));
}
