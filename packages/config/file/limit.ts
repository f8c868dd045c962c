import { z } from 'zod';
import { isTimeZone } from '../model/time-zone.ts';
import { parseWindow, WINDOW_RULE } from '../model/window.ts';
import { choice, notEnforced, onlyFalse } from './not-enforced.ts';
import { object, whole } from './object.ts';

/** One limit of a team, a project or the organization. */
const limitSchema = object({
  tokens: whole(1, 1_000_000_000_000).optional(),
  promptTokens: notEnforced(),
  completionTokens: notEnforced(),
  costUsd: notEnforced(),
  requests: notEnforced(),
  concurrency: notEnforced(),
  window: z.string({ error: WINDOW_RULE }).refine((window) => parseWindow(window) !== undefined, {
    error: `${WINDOW_RULE}; others are not enforced by this build`,
  }),
  mode: choice(['hard'], ['strict', 'soft', 'shadow']).default('hard'),
  rolling: onlyFalse(),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be UTC or a time zone of the IANA database such as Europe/Berlin')
    .default('UTC'),
  thresholds: notEnforced(),
  onStoreFailure: choice(['refuse'], ['allow-within-share']).optional(),
})
  // Optional above so that a limit of another quantity has one fault, its name, and not a missing `tokens` too.
  .refine((limit) => limit.tokens !== undefined, { path: ['tokens'], error: 'is missing: how many in a window' })
  .meta({ required: ['tokens', 'window'] });

/** Limits of one scope. */
export const limitsSchema = z.array(limitSchema).max(16).default([]);
