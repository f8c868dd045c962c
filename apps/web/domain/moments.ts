import type { Bucket } from '../api/types.ts';

const utc = { timeZone: 'UTC' } as const;
const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const date = { day: 'numeric', month: 'short' } as const;

const timeOfDay = new Intl.DateTimeFormat('en-GB', clock);
const withSeconds = new Intl.DateTimeFormat('en-GB', { ...clock, second: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat('en-GB', { ...date, ...clock });
const dayLocal = new Intl.DateTimeFormat('en-GB', date);
const dayUtc = new Intl.DateTimeFormat('en-GB', { ...date, ...utc });
const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** `14:05:30`, here. */
export const formatClock = (ms: number): string => withSeconds.format(ms);

/** `23 Nov, 14:05`, here. */
export const formatMoment = (ms: number): string => dayAndTime.format(ms);

/** What a bar stands for. Days are those of UTC, as the ledger sums them; all else is in the time of this machine. */
export function formatBucket(ms: number, bucket: Bucket): string {
  return bucket === 'day' ? `${dayUtc.format(ms)} (UTC)` : dayAndTime.format(ms);
}

/** Below an axis whose ticks are `stepMs` apart: the time of day, and the date where a day begins. */
export function formatAxisMoment(ms: number, stepMs: number, bucket: Bucket): string {
  if (bucket === 'day') return dayUtc.format(ms);
  const time = timeOfDay.format(ms);
  return stepMs >= 86_400_000 || time === '00:00' ? dayLocal.format(ms) : time;
}

/** `GMT+1`; `UTC` for days. */
export function zoneName(bucket: Bucket, ms: number): string {
  if (bucket === 'day') return 'UTC';
  return zone.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** As `<input type="datetime-local">` takes it, in the time of this machine, to the minute. */
export function toLocalInput(ms: number): string {
  const at = new Date(ms);
  return new Date(ms - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** NaN when it is empty or no time. */
export const fromLocalInput = (text: string): number => new Date(text).getTime();
