import {
  DAILY_BY_KEY,
  type Finding,
  HOURLY,
  type LedgerClient,
  type RollupDifference,
  rollupDifferences,
} from '@tollgate/ledger';

export interface RollupsComparisonOptions {
  ledger: { ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> };
  now(): number;
  wait(ms: number): Promise<void>;
  /** At least 0, below 1. */
  random(): number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The last day each time (by day: the last whole one), and beside it one of so many days before it, another one each time: all rows of both are read. */
const earlierDays = 30;
const findingsMax = 100;
/** A row that comes between two parts of the question looks like a difference; its hour and day are left out the next time. */
const pauseMs = 1000;

/** Holds the sums by hour, and those by day and key, against the deduplicated rows. */
export async function compareRollups(options: RollupsComparisonOptions): Promise<Finding[]> {
  const { ledger, now, wait, random } = options;
  const endMs = Math.ceil(now() / hourMs) * hourMs;
  const back = dayMs * (1 + Math.floor(random() * earlierDays));
  const midnightMs = Math.floor(now() / dayMs) * dayMs;
  const ask = async (rollup: typeof HOURLY, toMs: number) => {
    const looks = [toMs, toMs - back].map((end) => {
      const range = { fromMs: end - dayMs, toMs: end };
      return ledger.ask((client) => rollupDifferences(client, rollup, range, findingsMax));
    });
    const found = await Promise.all(looks);
    return {
      spans: found.reduce((sum, { spans }) => sum + spans, 0),
      differences: found.flatMap(({ differences }) => differences.map((of) => ({ ...of, rollup }))),
    };
  };
  const look = async () => {
    const [byHour, byDay] = [await ask(HOURLY, endMs), await ask(DAILY_BY_KEY, midnightMs)];
    return { spans: byHour.spans + byDay.spans, differences: [...byHour.differences, ...byDay.differences] };
  };
  let { spans, differences } = await look();
  if (differences.length > 0) {
    await wait(pauseMs);
    const before = new Set(differences.map(nameOf));
    const again = await look();
    spans = again.spans;
    differences = again.differences.filter((difference) => before.has(nameOf(difference)));
  }
  const findings = differences.map((difference): Finding => {
    const { inRows: expected, inRollup: found } = difference;
    const detail = `the sum in ${difference.rollup.table} is not that of the rows`;
    return { compared: 'rollups', outcome: 'differs', what: nameOf(difference), expected, found, detail };
  });
  const outcome = findings.length === 0 ? 'equal' : 'differs';
  const equal = spans - new Set(differences.map(({ rollup, fromMs }) => `${rollup.time} ${fromMs}`)).size;
  const earlier = new Date(endMs - dayMs - back).toISOString().slice(0, 10);
  const detail = `hours of the last day and of ${earlier}, and two days by key; equal ones`;
  return [{ compared: 'rollups', outcome, what: '', expected: spans, found: equal, detail }, ...findings];
}

function nameOf({
  rollup,
  fromMs,
  teamId,
  keyId,
  model,
  column,
}: RollupDifference & { rollup: typeof HOURLY }): string {
  const key = keyId && `, key ${keyId}`;
  return `${rollup.time} ${new Date(fromMs).toISOString()} of team ${teamId}${key}, model '${model}': ${column}`;
}
