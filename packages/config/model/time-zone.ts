/** Bounded by the number of zones that there are. */
const clocks = new Map<string, Intl.DateTimeFormat>();

export function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 are accepted by Intl, but name no place whose clock changes.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What the wall clock is ahead of UTC at that moment, ms. @throws RangeError for an unknown time zone */
export function offsetMs(timeZone: string, atMs: number): number {
  if (timeZone === 'UTC') return 0;
  const wholeSecondMs = Math.floor(atMs / 1000) * 1000;
  const parts: Record<string, number> = {};
  for (const { type, value } of clockOf(timeZone).formatToParts(wholeSecondMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecondMs;
}

/**
 * The moment at which the wall clock shows this: the first of two where it is turned back, the moment of the change
 * where it skips it.
 * @param wallMs the wall clock's reading, as if it were UTC
 */
export function momentOf(timeZone: string, wallMs: number): number {
  if (timeZone === 'UTC') return wallMs;
  const dayMs = 86_400_000;
  const before = offsetMs(timeZone, wallMs - dayMs);
  const after = offsetMs(timeZone, wallMs + dayMs);
  const shows = (momentMs: number) => momentMs + offsetMs(timeZone, momentMs) === wallMs;
  const first = wallMs - Math.max(before, after);
  const second = wallMs - Math.min(before, after);
  if (shows(first)) return first;
  if (shows(second)) return second;
  return changeBetween(timeZone, first, second);
}

/** The first moment of (fromMs, toMs] with another offset than at fromMs; toMs when there is none. */
export function changeBetween(timeZone: string, fromMs: number, toMs: number): number {
  const old = offsetMs(timeZone, fromMs);
  let low = fromMs;
  let high = toMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timeZone, middle) === old) low = middle;
    else high = middle;
  }
  return high;
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    clocks.set(timeZone, clock);
  }
  return clock;
}
