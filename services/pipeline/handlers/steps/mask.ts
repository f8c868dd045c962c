import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import type { Guards } from '../steps.ts';
import { unexpected } from './authorize.ts';

/** 16 MiB of text are scanned in under two seconds on a slow core. */
const timeoutMs = 20_000;

/** Personal data out of every text that the model reads, before anything else sees it. */
export async function mask(run: Run, guards: Guards, guardrail: number): Promise<Verdict> {
  const texts = run.body.texts();
  if (texts.length === 0) return next;
  const result = await guards.pii.call(run.call(guardrail, timeoutMs, { $case: 'pii', value: { texts } }));
  if (result.$case === 'error') return refuse(result.value);
  if (result.$case !== 'pii') throw unexpected(result.$case);
  const { masked, entities, originals, refusal } = result.value;
  if (run.row) {
    run.row.piiEntities = entities;
    if (masked.length > 0 || refusal) run.row.guardrailHits.piiMasking = (run.row.guardrailHits.piiMasking ?? 0) + 1;
  }
  if (refusal) return refuse(refusal);
  run.body = run.body.withTexts(masked);
  Object.assign(run.restore, originals);
  return next;
}
