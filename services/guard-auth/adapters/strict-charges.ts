import type { Bound } from '../domain/bound.ts';
import type { Charge } from '../domain/charge.ts';

/**
 * Charges whose amounts the script decides, as reserve.lua reads them.
 * @param places of the charges, in the order in which the script answers
 */
export function strictJson(bound: Bound, charges: readonly Charge[], places: readonly number[]): string {
  return JSON.stringify({
    w: bound.outputTokensMax,
    l: bound.outputTokensMin,
    n: bound.choices,
    c: [bound.promptCostNanoUsd, bound.tokenCostNanoUsd],
    p: places.map((i) => {
      const { reservation, limit, part = { fixed: reservation.amount, unit: 0 } } = charges[i] as Charge;
      return { i, f: part.fixed, u: part.unit, m: part.most, l: limit };
    }),
  });
}
