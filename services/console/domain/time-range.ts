import { TollgateError } from '@tollgate/errors';
import type { TimeRange } from '@tollgate/ledger';
import { parseDuration } from './duration.ts';

const dayMs = 86_400_000;
/** The ledger keeps 13 months. */
const daysMax = 400;
const lastDefault = '1h';

export interface AskedRange {
  /** How far back from now: `15m`, `24h`, … */
  last?: string;
  /** ISO 8601, or milliseconds since the epoch; with `from`, `to` is now unless it is given. */
  from?: string;
  to?: string;
}

/** The range that was asked for, by this machine's clock. @throws TollgateError `invalid_request` */
export function readRange({ last, from, to }: AskedRange, nowMs: number): TimeRange {
  if (last !== undefined && (from !== undefined || to !== undefined))
    refuse('Give either "last" or "from" and "to".', 'last');
  if (to !== undefined && from === undefined) refuse('"to" needs a "from".', 'from');
  const range =
    from === undefined
      ? { fromMs: nowMs - parseDuration(last ?? lastDefault, 'last'), toMs: nowMs }
      : { fromMs: readTime(from, 'from'), toMs: to === undefined ? nowMs : readTime(to, 'to') };
  if (!(range.toMs > range.fromMs)) refuse('The range must end after it begins.', 'from');
  if (range.toMs - range.fromMs > daysMax * dayMs) refuse(`A range has at most ${daysMax} days.`, 'from');
  return range;
}

function readTime(text: string, param: string): number {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  return refuse(`"${param}" must be a time such as 2026-11-23T10:00:00Z, or milliseconds since 1970.`, param);
}

function refuse(message: string, param: string): never {
  throw new TollgateError('invalid_request', { message, param });
}
