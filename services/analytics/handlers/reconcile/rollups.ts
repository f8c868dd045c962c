import { type Finding, type LedgerClient, type RollupDifference, rollupDifferences } from '@tollgate/ledger';

export interface RollupsComparisonOptions {
  ledger: { ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> };
  now(): number;
  wait(ms: number): Promise<void>;
  /** At least 0, below 1. */
  random(): number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The last day each time, and beside it one of so many days before it, another one each time: all rows of both are read. */
const earlierDays = 30;
const findingsMax = 100;
/** A row that comes between two parts of the question looks like a difference; its hour is left out the next time. */
const pauseMs = 1000;

/** Holds the sums by hour against the deduplicated rows. */
export async function compareRollups(options: RollupsComparisonOptions): Promise<Finding[]> {
  const { ledger, now, wait, random } = options;
  const endMs = Math.ceil(now() / hourMs) * hourMs;
  const lastDay = { fromMs: endMs - dayMs, toMs: endMs };
  const back = dayMs * (1 + Math.floor(random() * earlierDays));
  const earlierDay = { fromMs: lastDay.fromMs - back, toMs: lastDay.toMs - back };
  const look = async () => {
    const looks = [lastDay, earlierDay].map((range) =>
      ledger.ask((client) => rollupDifferences(client, range, findingsMax)),
    );
    const [last, earlier] = (await Promise.all(looks)) as [Looked, Looked];
    return { hours: last.hours + earlier.hours, differences: [...last.differences, ...earlier.differences] };
  };
  let { hours, differences } = await look();
  if (differences.length > 0) {
    await wait(pauseMs);
    const before = new Set(differences.map(nameOf));
    const again = await look();
    hours = again.hours;
    differences = again.differences.filter((difference) => before.has(nameOf(difference)));
  }
  const findings = differences.map((difference): Finding => {
    const { inRows: expected, inRollup: found } = difference;
    const detail = 'the sum in usage_hourly is not that of the rows';
    return { compared: 'rollups', outcome: 'differs', what: nameOf(difference), expected, found, detail };
  });
  const outcome = findings.length === 0 ? 'equal' : 'differs';
  const equal = hours - new Set(differences.map((difference) => difference.hourMs)).size;
  const detail = `hours of the last day and of ${new Date(earlierDay.fromMs).toISOString().slice(0, 10)}; equal ones`;
  return [{ compared: 'rollups', outcome, what: '', expected: hours, found: equal, detail }, ...findings];
}

type Looked = Awaited<ReturnType<typeof rollupDifferences>>;

function nameOf({ hourMs: atMs, teamId, model, column }: RollupDifference): string {
  return `hour ${new Date(atMs).toISOString()} of team ${teamId}, model '${model}': ${column}`;
}
