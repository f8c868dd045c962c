import type { Limit } from '@tollgate/config';

export type Quantity = Limit['quantity'];

interface QuantityText {
  /** In sentences for callers. */
  noun: string;
  /** Unit in RateLimit-Policy; the draft's registry knows `requests` and `concurrent-requests` of these. */
  unit: string;
}

const texts: Readonly<Record<Quantity, QuantityText>> = {
  tokens: { noun: 'tokens', unit: 'tokens' },
  prompt_tokens: { noun: 'prompt tokens', unit: 'prompt-tokens' },
  completion_tokens: { noun: 'completion tokens', unit: 'completion-tokens' },
  cost_nano_usd: { noun: 'cost', unit: 'nano-usd' },
  requests: { noun: 'requests', unit: 'requests' },
  concurrency: { noun: 'requests at the same time', unit: 'concurrent-requests' },
};

export function nounOf(quantity: Quantity): string {
  return texts[quantity].noun;
}

export function unitOf(quantity: Quantity): string {
  return texts[quantity].unit;
}

/** An amount for people: `1000 tokens`, `0.0125 US dollars`. */
export function shown(quantity: Quantity, amount: number): string {
  if (quantity !== 'cost_nano_usd') return `${amount} ${texts[quantity].noun}`;
  const digits = String(amount).padStart(10, '0');
  const dollars = `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
  return `${dollars} US dollars`;
}
