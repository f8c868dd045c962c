const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** From `fromMs` (included) to `toMs` (excluded), milliseconds since the epoch. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

/** Buckets begin at whole minutes, hours or days in UTC. */
export type Bucket = 'minute' | 'hour' | 'day';

/** The ledger keeps 13 months. */
const RANGE_MS_MAX = 400 * DAY_MS;
/** Up to 360 minutes, 360 hours, 400 days: enough for a chart, little for a browser. */
const MINUTES_UP_TO_MS = 6 * HOUR_MS;
const HOURS_UP_TO_MS = 15 * DAY_MS;

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** @throws RangeError when it is empty, reversed, not finite, or longer than 400 days */
export function checkRange(range: TimeRange): void {
  const length = range.toMs - range.fromMs;
  if (!(length > 0)) throw new RangeError('a time range must end after it begins');
  if (length > RANGE_MS_MAX || range.fromMs < 0) throw new RangeError('a time range has at most 400 days');
}

/** The bucket that fits a range. */
export function bucketFor(range: TimeRange): Bucket {
  const length = range.toMs - range.fromMs;
  if (length <= MINUTES_UP_TO_MS) return 'minute';
  return length <= HOURS_UP_TO_MS ? 'hour' : 'day';
}

/** The range from the beginning of the bucket that `fromMs` is in, so that the first bucket is whole. */
export function wholeBuckets(range: TimeRange, bucket: Bucket): TimeRange {
  const unit = BUCKET_MS[bucket];
  return { fromMs: Math.floor(range.fromMs / unit) * unit, toMs: range.toMs };
}
