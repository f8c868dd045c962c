import type { LedgerClient, QueryOptions } from '../client.ts';
import { type Rollup, SUMMED } from '../rollups/rebuild.ts';
import { NAME, OVERLAP_MS } from '../rollups/refresh.ts';
import { utc } from '../row.ts';

/** One line of a rollup that is not the sum of its rows. */
export interface RollupDifference {
  /** Begin of the hour, or of the day (UTC). */
  fromMs: number;
  teamId: string;
  /** Empty where the rollup does not sum by key. */
  keyId: string;
  model: string;
  /** The first sum that differs. */
  column: string;
  inRows: number;
  inRollup: number;
}

export interface RollupComparison {
  /** Hours, or days, that were compared, with or without difference. */
  spans: number;
  /** In order; at most `max` of them. */
  differences: RollupDifference[];
}

const FIGURES = ['requests', ...SUMMED];
const NONE = `arrayWithConstant(${FIGURES.length}, toInt64(0))`;

/**
 * Holds the sums of a rollup against the deduplicated rows, by every dimension, for hours (or days) that nothing came into since the last refresh;
 * those that rows came into are the refresh's to catch up with. Reads all rows of the range. A row that comes while it reads may pass for a difference once.
 * @param range whole hours, or days (UTC), `toMs` excluded
 */
export async function rollupDifferences(
  client: LedgerClient,
  { table, time, start, dimensions }: Rollup,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  max: number,
  options: QueryOptions = {},
): Promise<RollupComparison> {
  const parameters = { from: utc(fromMs), to: utc(toMs), name: NAME, overlapMs: OVERLAP_MS, max };
  const named = (alias: string) => dimensions.map((name) => `${alias}.${name} AS ${name}`).join(', ');
  const within = (column: string) =>
    `${column} >= {from:DateTime64(3, 'UTC')} AND ${column} < {to:DateTime64(3, 'UTC')}`;
  const touched = `SELECT toDateTime(${start}(t.started_at), 'UTC') FROM usage_events AS t
    WHERE t.inserted_at >= (SELECT max(p.done_until) FROM rollup_progress AS p WHERE p.name = {name:String}) - toIntervalMillisecond({overlapMs:UInt64})`;
  const [counted] = await client.rows<{ spans: number }>(
    `SELECT uniqExact(r.${time}) AS spans FROM ${table} AS r WHERE ${within(`r.${time}`)} AND r.${time} NOT IN (${touched})`,
    parameters,
    options,
  );
  const rows = await client.rows<Omit<RollupDifference, 'column'> & { rowSums: number[]; rollupSums: number[] }>(
    `SELECT toUnixTimestamp(s.${time}) * 1000 AS fromMs, s.team_id AS teamId, ${dimensions.includes('key_id') ? 's.key_id' : "''"} AS keyId,
       s.model AS model, sumForEach(s.a) AS rowSums, sumForEach(s.b) AS rollupSums
     FROM
     (
       SELECT toDateTime(${start}(e.started_at), 'UTC') AS ${time}, ${named('e')},
         [toInt64(count()), ${SUMMED.map((column) => `sum(e.${column})`).join(', ')}] AS a, ${NONE} AS b
       FROM usage_events AS e FINAL
       WHERE ${within('e.started_at')}
       GROUP BY ${time}, ${dimensions.join(', ')}
       UNION ALL
       SELECT r.${time} AS ${time}, ${named('r')}, ${NONE} AS a, [${FIGURES.map((column) => `r.${column}`).join(', ')}] AS b
       FROM ${table} AS r FINAL
       WHERE ${within(`r.${time}`)}
     ) AS s
     WHERE s.${time} NOT IN (${touched})
     GROUP BY s.${time}, ${dimensions.map((name) => `s.${name}`).join(', ')}
     HAVING rowSums != rollupSums ORDER BY fromMs, teamId, keyId, model LIMIT {max:UInt32}`,
    parameters,
    options,
  );
  const differences = rows.map(({ rowSums, rollupSums, ...of }) => {
    const at = rowSums.findIndex((sum, place) => sum !== rollupSums[place]);
    const [inRows = 0, inRollup = 0] = [rowSums[at], rollupSums[at]];
    return { ...of, column: FIGURES[at] ?? '', inRows, inRollup };
  });
  return { spans: counted?.spans ?? 0, differences };
}
