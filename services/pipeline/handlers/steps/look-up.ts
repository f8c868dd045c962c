import { type CacheFillPlan, Surface } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import { fingerprint } from '../../domain/fingerprint.ts';
import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import { unexpected } from './authorize.ts';
import type { Tools } from './tools.ts';

/** A lookup that takes longer costs more than it saves. */
const timeoutMs = 500;

/** Nobody asks twice in other words what is longer than this; it is found again when it is the same. */
const meaningBytesMax = 8192;

/** An answer that was given before, to the same team, to the same question. */
export async function lookUp(run: Run, guards: Tools, guardrail: number): Promise<Verdict> {
  const wish = run.request.cacheControl;
  const reason = bypassReason(run);
  if (reason !== '') return wish === 'only-if-cached' ? cacheMiss() : bypass(run, reason);

  const plan = await fillPlan(run, guardrail);
  if (wish === 'no-cache') {
    run.cacheFill = plan;
    return bypass(run, 'no-cache');
  }
  const { scopeId, text, surface } = plan;
  const { stream, includeUsage } = run.body.index;
  const teamId = run.receipt?.teamId;
  const call = { scopeId, fingerprint: plan.fingerprint, text, surface, stream, includeUsage, teamId };
  const result = await guards.cache.call(run.call(guardrail, timeoutMs, { $case: 'cache', value: call }));
  if (result.$case === 'error') {
    bypass(run, 'unavailable');
    return refuse(result.value);
  }
  if (result.$case !== 'cache') throw unexpected(result.$case);
  if (result.value.hit) return { kind: 'hit', hit: result.value.hit };
  if (wish === 'only-if-cached') return cacheMiss();
  run.cacheFill = plan;
  status(run, 'MISS');
  return next;
}

/** The cache has nothing, or is not there: who wants a cached answer or none gets none, and no call that costs. */
export function withoutCache({ request }: Run): Verdict {
  return request.cacheControl === 'only-if-cached' ? cacheMiss() : next;
}

/** Answers on others are not kept. */
const kept: ReadonlySet<Surface> = new Set([Surface.CHAT_COMPLETIONS, Surface.RESPONSES, Surface.MESSAGES]);

/** Why this request has nothing to do with the cache; empty when it has. */
function bypassReason({ request, body }: Run): string {
  if (!kept.has(request.surface)) return 'surface';
  // Its answer is looked at by an id of its own, and what another request was answered has none.
  if (body.index.background) return 'background';
  if (body.index.stateful) return 'stateful';
  return request.cacheControl === 'no-store' ? 'no-store' : '';
}

async function fillPlan(run: Run, guardrail: number): Promise<CacheFillPlan> {
  const { request, snapshot, proxy, body } = run;
  // Named models answer differently; in a rotation any of its models may have answered.
  const byMeaning = body.lastUserTextBytes() <= meaningBytesMax;
  const { surface, headers } = request;
  const protocol = surface === Surface.MESSAGES ? protocolOf(headers) : [];
  const context = { revision: snapshot.revision, proxy: proxy.id, surface, model: run.model, protocol };
  return {
    revision: snapshot.revision,
    proxy: proxy.id,
    guardrail,
    scopeId: scopeId(run, guardrail),
    fingerprint: await fingerprint(body, context, byMeaning),
    text: byMeaning ? body.lastUserText() : '',
    surface: request.surface,
  };
}

/** The version of Anthropic's API and the betas that the caller chose: each may change the answer. */
function protocolOf(headers: Readonly<Record<string, string>>): string[] {
  return [headers['anthropic-version'] ?? '', headers['anthropic-beta'] ?? ''];
}

function scopeId(run: Run, guardrail: number): string {
  const settings = run.proxy.guardrails[guardrail];
  const scope = settings?.kind === 'semanticCache' ? settings.scope : 'team';
  if (scope === 'proxy') return `proxy:${run.proxy.id}`;
  return scope === 'key' ? `key:${run.receipt?.keyId}` : `team:${run.receipt?.teamId}`;
}

function status(run: Run, value: 'MISS' | 'BYPASS', shown: string = value): void {
  run.headers['x-cache-status'] = shown;
  if (run.row) run.row.cacheStatus = value;
}

function bypass(run: Run, reason: string): Verdict {
  status(run, 'BYPASS', `BYPASS; reason=${reason}`);
  return next;
}

function cacheMiss(): Verdict {
  return refuse(toErrorDetail(new TollgateError('cache_miss')));
}
