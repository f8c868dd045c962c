import { errorTable } from '@tollgate/errors';
import type { Outcome } from '../run/caller.ts';
import type { Disturbance } from '../run/disturb.ts';
import { type Facts, nameOf, type Verdict } from './facts.ts';

/** What the provider's faults may become. */
const ofProvider = ['upstream_error', 'upstream_rate_limited', 'upstream_timeout', 'all_models_suspended'];
/** What kills may become, and time limits on a machine that is too slow for the load. */
const ofGateway = ['gateway_interrupted', 'overloaded', 'guard_unavailable', 'store_unavailable', 'bus_unavailable'];
const ofTime = [...ofGateway, 'upstream_timeout'];
const ofLimits = ['budget_exceeded', 'rate_limit_exceeded'];
/** Kinds that the provider disturbs. */
const disturbed = ['failover', 'broken'];

/** A caller has the right answer, whole; or an error of the table that fits; or a broken connection when ingress was killed. */
export function answers({ outcomes, disturbances }: Pick<Facts, 'outcomes' | 'disturbances'>): Verdict {
  const findings: string[] = [];
  const figures = { requests: outcomes.length, whole: 0, left: 0, honestErrors: 0, broken: 0, errorsWithoutCause: 0 };
  for (const outcome of outcomes) {
    const wrong = wrongWith(outcome, disturbances);
    if (wrong) findings.push(`${nameOf(outcome)}: ${wrong}`);
    if (outcome.end === 'whole') figures.whole++;
    else if (outcome.end === 'left') figures.left++;
    else if (outcome.end === 'broken') figures.broken++;
    else if (outcome.end === 'error') {
      figures.honestErrors++;
      if (!hasCause(outcome, disturbances)) figures.errorsWithoutCause++;
    }
  }
  return { name: 'every caller has a whole answer or an honest error', figures, findings };
}

function wrongWith(outcome: Outcome, disturbances: readonly Disturbance[]): string | undefined {
  const { end, plan, text, status, code } = outcome;
  switch (end) {
    case 'whole':
      return text === plan.text ? undefined : `another text: ${JSON.stringify(text.slice(0, 120))}`;
    case 'left':
      return plan.text.startsWith(text) ? undefined : `another text: ${JSON.stringify(text.slice(0, 120))}`;
    case 'error':
      return allowed(outcome) ? undefined : `${status} ${code}`;
    case 'broken':
      return during(outcome, disturbances, ({ killed }) => killed.includes('ingress'))
        ? undefined
        : `the connection broke without a kill of ingress (status ${status})`;
    case 'cut':
      return `status ${status}, neither whole nor with an error, after ${JSON.stringify(text.slice(-60))}`;
    case 'silent':
      return 'heard nothing';
  }
}

/** Something was killed, the provider was disturbed, or a limit reached. */
function hasCause(outcome: Outcome, disturbances: readonly Disturbance[]): boolean {
  const { kind } = outcome.plan;
  if (disturbed.includes(kind) && ofProvider.includes(outcome.code)) return true;
  return (
    ofLimits.includes(outcome.code) || (ofGateway.includes(outcome.code) && during(outcome, disturbances, () => true))
  );
}

function allowed({ plan, status, code }: Outcome): boolean {
  const codes = [
    ...ofTime,
    ...(disturbed.includes(plan.kind) ? ofProvider : []),
    ...(plan.team === 'narrow' || plan.team === 'strict' ? ofLimits : []),
  ];
  if (!codes.includes(code)) return false;
  // An error inside a stream comes after its 200.
  return status === 200 || status === errorTable[code as keyof typeof errorTable].status;
}

/** Whether the request lived while something of that sort went on. */
function during(
  { sentAtMs, endedAtMs }: Pick<Outcome, 'sentAtMs' | 'endedAtMs'>,
  disturbances: readonly Disturbance[],
  matches: (disturbance: Disturbance) => boolean,
): boolean {
  return disturbances.some((one) => matches(one) && one.fromMs <= endedAtMs && sentAtMs <= one.untilMs);
}
