import { table } from './table.ts';

/** As `GET /api/budgets` has it. */
export interface Budget {
  scope: string;
  of: string;
  quantity: string;
  window: string;
  mode: string;
  models: string[];
  keys: string[];
  limit: number;
  spent: number;
  reserved: number;
  remaining: number;
  resetsAtMs?: number;
}

/** A table of limits; money in US dollars. */
export function limitsText(budgets: readonly Budget[]): string {
  if (budgets.length === 0) return '(no limits)';
  const lines = budgets.map(({ scope, of, quantity, window, mode, models, keys, resetsAtMs, ...amounts }) => {
    const shown = (amount: number) => (quantity === 'cost_nano_usd' ? amount / 1e9 : amount);
    return {
      scope,
      of,
      quantity: quantity === 'cost_nano_usd' ? 'cost_usd' : quantity,
      window: window || '-',
      mode,
      models: models.join(',') || 'all',
      keys: keys.join(',') || 'all',
      limit: shown(amounts.limit),
      spent: shown(amounts.spent),
      reserved: shown(amounts.reserved),
      remaining: shown(amounts.remaining),
      resets_at: resetsAtMs === undefined ? '-' : new Date(resetsAtMs).toISOString(),
    };
  });
  return table(lines);
}
