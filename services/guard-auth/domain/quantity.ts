import type { Limit } from '@tollgate/config';

export type Quantity = Limit['quantity'];

interface QuantityText {
  /** In sentences for callers. */
  noun: string;
  /** In names of limits. */
  slug: string;
  /** Unit in RateLimit-Policy; the draft's registry knows `requests` and `concurrent-requests` of these. */
  unit: string;
}

const texts: Readonly<Record<Quantity, QuantityText>> = {
  tokens: { noun: 'tokens', slug: 'tokens', unit: 'tokens' },
  prompt_tokens: { noun: 'prompt tokens', slug: 'prompt-tokens', unit: 'prompt-tokens' },
  completion_tokens: { noun: 'completion tokens', slug: 'completion-tokens', unit: 'completion-tokens' },
  cost_nano_usd: { noun: 'cost', slug: 'cost', unit: 'micro-usd' },
  requests: { noun: 'requests', slug: 'requests', unit: 'requests' },
  concurrency: { noun: 'requests at the same time', slug: 'concurrent-requests', unit: 'concurrent-requests' },
};

export function nounOf(quantity: Quantity): string {
  return texts[quantity].noun;
}

/** What it is called in the name of a limit. */
export function slugOf(quantity: Quantity): string {
  return texts[quantity].slug;
}

/** What `inUnits` counts. */
export function unitOf(quantity: Quantity): string {
  return texts[quantity].unit;
}

/**
 * An amount in its unit, rounded down: of cost micro-dollars, since nano-dollars of a million dollars are more than the integers
 * of a structured field hold (15 digits, RFC 9651, 3.3.1). All that a limit may say fits.
 */
export function inUnits(quantity: Quantity, amount: number): number {
  return quantity === 'cost_nano_usd' ? Math.floor(amount / 1000) : amount;
}

/** An amount for people: `1000 tokens`, `0.0125 US dollars`. */
export function shown(quantity: Quantity, amount: number): string {
  if (quantity !== 'cost_nano_usd') return `${amount} ${texts[quantity].noun}`;
  const digits = String(amount).padStart(10, '0');
  const dollars = `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
  return `${dollars} US dollars`;
}
