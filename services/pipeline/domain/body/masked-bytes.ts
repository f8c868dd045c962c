import type { ProxySettings } from '@tollgate/config';

/** Of the body: a placeholder has 12 bytes or more, an address or number 7 to some 30. */
const growthShare = 1 / 16;
const growthBytes = 256;

/**
 * How long a body may become on its way through this proxy's guardrails when its length was reserved for; they make a text
 * longer only where it is full of very short values.
 */
export function maskedBytesMax(bodyBytes: number, { guardrails }: Pick<ProxySettings, 'guardrails'>): number {
  if (!guardrails.some(({ kind }) => kind === 'piiMasking')) return bodyBytes;
  return bodyBytes + growthBytes + Math.ceil(bodyBytes * growthShare);
}
