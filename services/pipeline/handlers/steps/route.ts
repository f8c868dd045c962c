import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import type { Tools } from '../steps.ts';
import { affinityOf, bind } from './affinity.ts';
import { unexpected } from './authorize.ts';

const timeoutMs = 1000;

/** The models to try, in order; of a response that is kept somewhere, those that are there. */
export async function route(run: Run, guards: Tools, guardrail: number): Promise<Verdict> {
  const { startedAtMs } = run.request;
  const affinity = affinityOf(run);
  const value = { model: run.model, startedAtMs, ...(affinity && { affinity }) };
  const result = await guards.router.call(run.call(Math.max(0, guardrail), timeoutMs, { $case: 'route', value }));
  if (result.$case === 'error') return refuse(result.value);
  if (result.$case !== 'route') throw unexpected(result.$case);
  const { targets, attemptsMax, refusal } = result.value;
  if (refusal) return refuse(refusal);
  run.targets = targets;
  run.attemptsMax = attemptsMax;
  if (affinity) bind(run, affinity, result.value);
  return next;
}
