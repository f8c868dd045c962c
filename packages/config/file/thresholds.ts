import { z } from 'zod';
import { whole } from './object.ts';

/** Parts of a limit in per cent; empty = none. */
export const thresholdsSchema = z
  .array(whole(1, 100))
  .max(10, 'must list at most 10')
  .refine((percents) => new Set(percents).size === percents.length, 'must not say one twice');

/** As revisions have them: ascending. */
export function ascending(percents: readonly number[]): number[] {
  return percents.toSorted((one, other) => one - other);
}
