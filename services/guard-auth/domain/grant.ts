import type { Receipt, Reservation, UsageEvent } from '@tollgate/contracts';
import type { Plan } from './plan.ts';

/** What an admission under a strict limit was given, by the script that knew what was left. */
export interface Grant {
  /** Output tokens of each answer; 0 = nothing is generated. */
  outputTokensMax: number;
  /** Of all answers together. */
  completionTokens: number;
  costNanoUsd: number;
  /** What was reserved, in the order of the charges. */
  amounts: number[];
}

/** As reserve.lua writes it behind the `!` and how often it is reserved: output limit, completion, cost, amounts. */
export function grantOf(figures: readonly number[]): Grant {
  const [outputTokensMax = 0, completionTokens = 0, costNanoUsd = 0, ...amounts] = figures;
  return { outputTokensMax, completionTokens, costNanoUsd, amounts };
}

/** The receipt of what was granted. */
export function withGrant(receipt: Receipt, { outputTokensMax, completionTokens, amounts }: Grant): Receipt {
  return {
    ...receipt,
    outputTokensMax: outputTokensMax || undefined,
    estimatedCompletionTokens: completionTokens,
    reservations: receipt.reservations.map((reservation, at) => ({
      ...reservation,
      amount: amounts[at] ?? reservation.amount,
    })),
  };
}

/** The row of an abandoned lease that was granted this much, `times` times: what all its attempts may have cost. */
export function grantedRow(row: UsageEvent, grant: Grant | undefined, times: number): UsageEvent {
  const receipt = row.receipt && grant ? withGrant(row.receipt, grant) : row.receipt;
  const { estimatedPromptTokens: prompt = 0, estimatedCompletionTokens: completion = 0 } = receipt ?? {};
  return {
    ...row,
    receipt: receipt && times > 1 ? { ...receipt, extensions: times - 1 } : receipt,
    billed: { prompt: prompt * times, completion: completion * times, cachedPrompt: 0, reasoning: 0 },
    costNanoUsd: (grant?.costNanoUsd ?? row.costNanoUsd) * times,
  };
}

/** Whether further attempts add to this reservation: tokens and cost do, but it is one request in one slot all the same. */
export function growsWithAttempts({ quantity }: Pick<Reservation, 'quantity'>): boolean {
  return quantity !== 'requests' && quantity !== 'concurrency';
}

/** What a lease holds of this reservation. */
export function heldOf(reservation: Reservation, { extensions = 0 }: Receipt): number {
  return growsWithAttempts(reservation) ? reservation.amount * (1 + extensions) : reservation.amount;
}

/**
 * Whether the lease may hold more than its receipt says: under a strict limit, or once its owner asked for more. An answer to that
 * may have been lost.
 */
export function mayHoldMore({ reservations, extensions }: Receipt): boolean {
  return extensions !== undefined || reservations.some(({ strictLimit }) => strictLimit !== undefined);
}

/** What a strict limit on cost holds of the request: no attempt costs more. Undefined where there is none. */
export function reservedCostNanoUsd({ reservations }: Receipt): number | undefined {
  const costs = reservations.filter(
    ({ quantity, strictLimit }) => quantity === 'cost_nano_usd' && strictLimit !== undefined,
  );
  return costs.length > 0 ? Math.min(...costs.map(({ amount }) => amount)) : undefined;
}

/** The plan with what was refused, which is what a refusal is explained by. */
export function withAmounts(plan: Plan, { amounts }: Grant): Plan {
  const charges = plan.charges.map((charge, at) => ({
    ...charge,
    reservation: { ...charge.reservation, amount: amounts[at] ?? charge.reservation.amount },
  }));
  return { ...plan, charges };
}
