type WindowUnit = 'second' | 'minute' | 'hour' | 'day' | 'month';

export interface Window {
  unit: WindowUnit;
  count: number;
}

/** Weeks and years are so many days and months. */
const UNITS: Readonly<Record<string, Window>> = {
  s: { unit: 'second', count: 1 },
  m: { unit: 'minute', count: 1 },
  h: { unit: 'hour', count: 1 },
  d: { unit: 'day', count: 1 },
  w: { unit: 'day', count: 7 },
  mo: { unit: 'month', count: 1 },
  y: { unit: 'month', count: 12 },
};

const LENGTH_MS: Readonly<Record<Exclude<WindowUnit, 'month'>, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** The ledger, from which counters are rebuilt, keeps rows for 13 months. */
const LENGTH_MS_MAX = 366 * LENGTH_MS.day;
const MONTHS_MAX = 12;

export const WINDOW_RULE =
  'must be a whole number of s, m, h, d, w, mo or y, such as 1m, 6h, 7d or 1mo, from 1s to 366d, 12mo or 1y';

/** @returns undefined for what is not a window */
export function parseWindow(text: string): Window | undefined {
  const match = /^([1-9]\d{0,7})(s|m|h|d|w|mo|y)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (unit === undefined) return undefined;
  const window = { unit: unit.unit, count: Number(match?.[1]) * unit.count };
  const length = lengthOf(window);
  const fits = length === undefined ? window.count <= MONTHS_MAX : length <= LENGTH_MS_MAX;
  return fits ? window : undefined;
}

/** ms of what `apply` lets pass as a window; undefined for months. */
export function windowLengthMs(text: string): number | undefined {
  const window = parseWindow(text);
  return window && lengthOf(window);
}

/** ms, of a day without a change of the clock; undefined for months, which have no length of their own. */
export function lengthOf({ unit, count }: Window): number | undefined {
  return unit === 'month' ? undefined : count * LENGTH_MS[unit];
}
