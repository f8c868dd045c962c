import type { IncomingHttpHeaders } from 'node:http';

/**
 * How long the provider wants us to stay away, milliseconds; 0 = it did not say. `retry-after-ms` is the more exact one
 * and wins; `retry-after` comes as seconds or as an HTTP date.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, nowMs: number): number {
  const exact = positive(Number(first(headers['retry-after-ms'])));
  if (exact > 0) return exact;
  const text = first(headers['retry-after']);
  if (text === undefined || text.trim() === '') return 0;
  const seconds = Number(text);
  return positive(Number.isNaN(seconds) ? Date.parse(text) - nowMs : seconds * 1000);
}

function positive(ms: number): number {
  return Number.isFinite(ms) && ms > 0 ? Math.ceil(ms) : 0;
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
