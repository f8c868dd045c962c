import type { LedgerRow } from '../books/ledger.ts';

/** As the ledger keeps them in `reservations`. */
export interface Reservation {
  scope: string;
  scopeId: string;
  quantity: string;
  window: string;
  windowStartMs: number;
  windowEndMs: number;
  models: string[];
  selector: string;
  value: string;
  amount: number;
}

/** All that it reserved at admission. */
export function reservationsOf({ reservations }: LedgerRow): Reservation[] {
  return reservations === '' ? [] : (JSON.parse(reservations) as Reservation[]);
}

/** What it was charged. */
export const tokensOf = (row: LedgerRow) => row.prompt_tokens + row.completion_tokens;
/** Tokens that the team's own limit on them had reserved for it: an estimate, which may be too low. */
export const amountOf = (row: LedgerRow) =>
  reservationsOf(row).find(({ scope, quantity }) => scope === 'team' && quantity === 'tokens')?.amount ?? 0;
