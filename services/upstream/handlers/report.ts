import { type Bus, subjects } from '@tollgate/bus';
import { encode, RouteReport, type Target } from '@tollgate/contracts';
import type { Outcome } from '../domain/verdict.ts';
import type { Run } from './run.ts';

interface Told {
  /** What the provider said, 0 = nothing. */
  retryAfterMs?: number;
  /** From the beginning of the attempt; 0 = there was none. */
  firstContentMs?: number;
}

/** Tells guard-router of failures, of what came of a probe in any case, and of all attempts at targets that ask for it. */
export function report(bus: Bus, run: Run, target: Target, outcome: Outcome, told: Told = {}): void {
  const said = target.probe && outcome === 'none' ? 'suspect' : outcome;
  if (!target.tellEnd && (said === 'none' || (said === 'ok' && !target.probe))) return;
  const { retryAfterMs = 0, firstContentMs = 0 } = told;
  const measured = target.tellEnd && firstContentMs > 0;
  publish(bus, run, target, said, {
    retryAfterMs,
    ...(measured && { firstContentMs: Math.ceil(firstContentMs), stream: run.dispatch.stream }),
  });
}

/** A failover begins: whoever chose the first target counts this one, too. */
export function reportStart(bus: Bus, run: Run, target: Target): void {
  if (!target.tellStart) return;
  const { estimatedPromptTokens = 0, estimatedCompletionTokens = 0 } = run.row.receipt ?? {};
  publish(bus, run, target, 'started', { tokens: estimatedPromptTokens + estimatedCompletionTokens });
}

/** It still runs: what is not heard of is forgotten. */
export function reportRunning(bus: Bus, run: Run, target: Target): void {
  if (target.tellEnd) publish(bus, run, target, 'running', {});
}

function publish(
  bus: Bus,
  { requestId, dispatch }: Run,
  { provider, model, probe }: Target,
  outcome: string,
  more: Partial<RouteReport>,
): void {
  const { revision, proxyId: proxy } = dispatch;
  const message = { requestId, provider, model, outcome, retryAfterMs: 0, atMs: Date.now(), probe, revision, proxy };
  bus.publish(subjects.routeReport, encode(RouteReport, { ...message, ...more }));
}
