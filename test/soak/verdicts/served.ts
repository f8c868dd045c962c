import type { Outcome } from '../run/caller.ts';
import type { Disturbance } from '../run/disturb.ts';
import type { Facts, Verdict } from './facts.ts';

/** A deadline missed on a machine that is busy with the load itself is no fault of the gateway; one in twenty would be. */
const missedPartMax = 0.05;
/** Of a short soak, where one more or less is much. */
const missedAlways = 2;
/** After everything is said to be ready again: connections are opened, compilers warm up. */
const graceMs = 2000;
/** Kinds that a provider's fault, the caller or a limit may end otherwise. */
const undisturbedKinds = ['json', 'stream', 'repeated', 'long'];

/** Whom no kill, fault of a provider, limit or own leave touched has a whole answer; nearly all of them. */
export function served({ outcomes, disturbances }: Pick<Facts, 'outcomes' | 'disturbances'>): Verdict {
  const undisturbed = outcomes.filter((outcome) => isUndisturbed(outcome, disturbances));
  const missed = undisturbed.filter(({ end }) => end !== 'whole');
  const enough = missed.length <= Math.max(missedAlways, undisturbed.length * missedPartMax);
  return {
    name: 'callers whom nothing disturbed are served',
    figures: {
      undisturbed: undisturbed.length,
      notWhole: missed.length,
      excused: outcomes.length - undisturbed.length,
    },
    findings: enough ? [] : [`${missed.length} of ${undisturbed.length} were not: ${countsOf(missed)}`],
  };
}

function isUndisturbed({ plan, sentAtMs, endedAtMs }: Outcome, disturbances: readonly Disturbance[]): boolean {
  if (!undisturbedKinds.includes(plan.kind) || plan.team === 'narrow' || plan.team === 'strict') return false;
  return !disturbances.some(({ fromMs, untilMs }) => fromMs <= endedAtMs && sentAtMs <= untilMs + graceMs);
}

function countsOf(outcomes: readonly Outcome[]): string {
  const groups = Map.groupBy(outcomes, ({ end, status, code }) => `${end} ${status} ${code}`.trim());
  return [...groups].map(([what, { length }]) => `${length} ${what}`).join(', ');
}
