import type { ConfigSnapshot } from '@tollgate/config';
import type { Receipt, Reservation } from '@tollgate/contracts';
import { boundsAt } from './limit-windows.ts';
import { limitsOf } from './limits.ts';
import { type Need, noLimit, planCharges } from './plan.ts';

/** Limits do not depend on what a request needs, nor on who asks. */
const noNeed: Need = {
  ...{ promptTokens: 0, completionTokens: 0, guessed: false },
  ...{ costNanoUsd: 0, promptCostNanoUsd: 0 },
};
const nobody = { keyId: '', user: '', metadata: {} };

/**
 * What counters and rates of an admitted request may hold at most, by the same limits that its admission was held against.
 * @param snapshot the configuration that it was admitted by
 * @returns in units of the quantity, of a rate its burst; undefined where nobody is refused; 0 for what no limit is known of
 */
export function refusingLimits(
  snapshot: ConfigSnapshot,
  { teamId, startedAtMs }: Receipt,
): (reservation: Reservation) => number | undefined {
  const plan = planCharges(limitsOf(snapshot, teamId), noNeed, nobody, (limit) => boundsAt(limit, startedAtMs));
  const limits = new Map(
    plan.charges.map(({ reservation, limit, rate }) => [
      nameOf(reservation),
      limit === noLimit ? undefined : (rate?.burst ?? limit),
    ]),
  );
  return (reservation) => {
    const name = nameOf(reservation);
    return limits.has(name) ? limits.get(name) : 0;
  };
}

function nameOf({ scope, scopeId, quantity, window, windowStartMs, selector }: Reservation): string {
  return `${scope} ${scopeId} ${quantity} ${window} ${windowStartMs} ${selector}`;
}
