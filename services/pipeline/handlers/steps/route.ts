import { createHash } from 'node:crypto';
import type { Affinity, RouteCall } from '@tollgate/contracts';
import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import { affinityOf, bind } from './affinity.ts';
import { unexpected } from './authorize.ts';
import type { Tools } from './tools.ts';

const timeoutMs = 1000;

/** The models to try, in order; of a response that is kept somewhere, those that are there. */
export async function route(run: Run, guards: Tools, guardrail: number): Promise<Verdict> {
  const affinity = affinityOf(run);
  let result = await ask(run, guards, guardrail, affinity);
  if (result.$case === 'route' && result.value.background && affinity?.action === '') {
    // Who serves a request in the background is not known before it was served: the router hears it now.
    const responseId = await guards.background.keptAs(result.value.providerResponseId ?? '');
    result = await ask(run, guards, guardrail, { ...affinity, responseId });
  }
  if (result.$case === 'error') return refuse(result.value);
  if (result.$case !== 'route') throw unexpected(result.$case);
  const { targets, attemptsMax, refusal } = result.value;
  if (refusal) return refuse(refusal);
  run.targets = targets;
  run.attemptsMax = attemptsMax;
  if (affinity) bind(run, affinity, result.value);
  // Items that stand in the input go anywhere, by the names that their provider gave them.
  else if (run.body.index.tags.length > 0) run.body = run.body.asIssued(undefined);
  return next;
}

function ask(run: Run, guards: Tools, guardrail: number, affinity: Affinity | undefined) {
  const value = { ...routeCall(run), ...(affinity && { affinity }) };
  return guards.router.call(run.call(Math.max(0, guardrail), timeoutMs, { $case: 'route', value }));
}

function routeCall({ model, request, receipt, body: { index } }: Run): RouteCall {
  const { promptCacheKey, outputTokensMax, n, stream } = index;
  const teamId = receipt?.teamId ?? '';
  return {
    model,
    startedAtMs: request.startedAtMs,
    teamId,
    promptTokens: receipt?.estimatedPromptTokens ?? 0,
    completionTokens: receipt?.estimatedCompletionTokens ?? 0,
    outputTokensMax: outputTokensMax * Math.max(1, n),
    stream,
    surface: request.surface,
    ...(promptCacheKey !== '' && { promptCache: promptCacheOf(teamId, promptCacheKey) }),
  };
}

/** The router needs to know equal ones only, and none of the caller's text. Teams share no preference. */
function promptCacheOf(teamId: string, key: string): number {
  return createHash('sha256').update(`${teamId}\n${key}`).digest().readUInt32BE(0);
}
