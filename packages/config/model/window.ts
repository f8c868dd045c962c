export type WindowUnit = 'minute' | 'hour' | 'day' | 'month';

export interface Window {
  unit: WindowUnit;
  count: number;
}

const UNITS: Readonly<Record<string, WindowUnit>> = { m: 'minute', h: 'hour', d: 'day', mo: 'month' };

/** Counts that cut the next larger unit of the calendar evenly, so that a window starts with it. */
const COUNTS: Readonly<Record<WindowUnit, readonly number[]>> = {
  minute: [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30],
  hour: [1, 2, 3, 4, 6, 8, 12],
  day: [1],
  month: [1, 2, 3, 4, 6, 12],
};

export const WINDOW_RULE = `must be a calendar window: ${Object.entries(UNITS)
  .map(([letters, unit]) => COUNTS[unit].map((count) => `${count}${letters}`).join(', '))
  .join('; ')}`;

/** @returns undefined for what is not a calendar window */
export function parseWindow(text: string): Window | undefined {
  const match = /^(\d{1,3})(m|h|d|mo)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  const count = Number(match?.[1]);
  return unit !== undefined && COUNTS[unit].includes(count) ? { unit, count } : undefined;
}
