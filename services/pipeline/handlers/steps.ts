import type { Guardrail } from '@tollgate/config';
import type { Verdict } from '../domain/verdict.ts';
import type { Run } from './run.ts';
import { authorize } from './steps/authorize.ts';
import { join } from './steps/join.ts';
import { listModels } from './steps/list-models.ts';
import { lookUp } from './steps/look-up.ts';
import { mask } from './steps/mask.ts';
import { route } from './steps/route.ts';
import type { Tools } from './steps/tools.ts';

export interface Step {
  /** Its place in the ledger's times and in error texts. */
  stage: string;
  /** Position in the proxy's guardrails; -1 for those that every proxy has. */
  guardrail: number;
  /** What an error of the guard means: refuse the request, or go on as if it were not there. */
  onError: 'refuse' | 'pass';
  run(run: Run, guards: Tools, guardrail: number): Promise<Verdict>;
}

type Kind = Guardrail['kind'];

/** One line a guardrail: who runs it, and what stage it is called in the ledger. */
const kinds: Record<Kind, Pick<Step, 'stage' | 'run'>> = {
  piiMasking: { stage: 'pii', run: mask },
  semanticCache: { stage: 'cache', run: lookUp },
  modelRotation: { stage: 'router', run: route },
};

/** Which models there are is for those who have a key, and nobody else is asked. */
export const modelSteps: readonly Step[] = [
  { stage: 'auth', guardrail: -1, onError: 'refuse', run: authorize },
  { stage: 'models', guardrail: -1, onError: 'refuse', run: listModels },
];

/** Nothing goes out that a model reads, and what comes back was masked when it went: whose it is and where it is kept, no more. */
export const storedSteps: readonly Step[] = [
  { stage: 'auth', guardrail: -1, onError: 'refuse', run: authorize },
  { stage: 'router', guardrail: -1, onError: 'refuse', run: route },
];

/** A request with an idempotency key makes its call once: right after its team is known, and before anything is asked of others. */
export function stepsOnce([first, ...others]: readonly Step[]): Step[] {
  const joining: Step = { stage: 'join', guardrail: -1, onError: 'refuse', run: join };
  return first ? [first, joining, ...others] : [joining];
}

/** The order of a proxy: key and budget, then its guardrails as they stand, then a route where no rotation gave one. */
export function stepsOf(guardrails: readonly Guardrail[]): Step[] {
  const steps: Step[] = [{ stage: 'auth', guardrail: -1, onError: 'refuse', run: authorize }];
  for (const [guardrail, { kind, onError }] of guardrails.entries()) steps.push({ ...kinds[kind], guardrail, onError });
  if (!guardrails.some(({ kind }) => kind === 'modelRotation')) {
    steps.push({ ...kinds.modelRotation, guardrail: -1, onError: 'refuse' });
  }
  return steps;
}
