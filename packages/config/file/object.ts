import { z } from 'zod';
import { isNotEnforced } from './not-enforced.ts';

/** An object that knows all of its settings: a misspelt one is a fault, never ignored. */
export function object<S extends z.ZodRawShape>(shape: S, { unknown }: { unknown?: string } = {}) {
  const known = Object.keys(shape).filter((key) => !isNotEnforced(shape[key]));
  const message = unknown ?? `is not a setting here; known are ${known.join(', ')}`;
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? message : undefined) });
}

export function slug(rule: { pattern: RegExp; text: string }) {
  return z.string().regex(rule.pattern, rule.text);
}

/** A whole number within bounds. */
export function whole(min: number, max: number) {
  const text = `must be a whole number from ${min} to ${max}`;
  return z.int({ error: text }).min(min, text).max(max, text);
}
