import type { LedgerClient, QueryOptions } from '../client.ts';
import { HOURLY, SUMMED } from '../rollups/rebuild.ts';
import { NAME, OVERLAP_MS } from '../rollups/refresh.ts';
import { utc } from '../row.ts';

/** One line of `usage_hourly` that is not the sum of its rows. */
export interface RollupDifference {
  hourMs: number;
  teamId: string;
  model: string;
  /** The first sum that differs. */
  column: string;
  inRows: number;
  inRollup: number;
}

export interface RollupComparison {
  /** Hours that were compared, with or without difference. */
  hours: number;
  /** In order; at most `max` of them. */
  differences: RollupDifference[];
}

const FIGURES = ['requests', ...SUMMED];
const DIMENSIONS = HOURLY.dimensions.join(', ');

/** Hours that rows came into since the rollups were last refreshed are theirs to catch up with. */
const TOUCHED = `SELECT toDateTime(toStartOfHour(t.started_at), 'UTC') FROM usage_events AS t
  WHERE t.inserted_at >= (SELECT max(p.done_until) FROM rollup_progress AS p WHERE p.name = {name:String}) - toIntervalMillisecond({overlapMs:UInt64})`;

/**
 * Holds the sums by hour against the deduplicated rows, by every dimension, for hours that nothing came into since the last refresh. Reads
 * all rows of the range. A row that comes while it reads may pass for a difference once.
 * @param range whole hours, `toMs` excluded
 */
export async function rollupDifferences(
  client: LedgerClient,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  max: number,
  options: QueryOptions = {},
): Promise<RollupComparison> {
  const parameters = { from: utc(fromMs), to: utc(toMs), name: NAME, overlapMs: OVERLAP_MS, max };
  const [counted] = await client.rows<{ hours: number }>(
    `SELECT uniqExact(h.hour) AS hours FROM usage_hourly AS h
     WHERE h.hour >= {from:DateTime64(3, 'UTC')} AND h.hour < {to:DateTime64(3, 'UTC')} AND h.hour NOT IN (${TOUCHED})`,
    parameters,
    options,
  );
  const rows = await client.rows<Omit<RollupDifference, 'column'> & { rowSums: number[]; rollupSums: number[] }>(
    `SELECT toUnixTimestamp(s.hour) * 1000 AS hourMs, s.team_id AS teamId, s.model AS model,
       sumForEach(s.a) AS rowSums, sumForEach(s.b) AS rollupSums
     FROM
     (
       SELECT toDateTime(toStartOfHour(e.started_at), 'UTC') AS hour, ${HOURLY.dimensions.map((name) => `e.${name} AS ${name}`).join(', ')},
         [toInt64(count()), ${SUMMED.map((column) => `sum(e.${column})`).join(', ')}] AS a, arrayWithConstant(${FIGURES.length}, toInt64(0)) AS b
       FROM usage_events AS e FINAL
       WHERE e.started_at >= {from:DateTime64(3, 'UTC')} AND e.started_at < {to:DateTime64(3, 'UTC')}
       GROUP BY hour, ${DIMENSIONS}
       UNION ALL
       SELECT h.hour AS hour, ${HOURLY.dimensions.map((name) => `h.${name} AS ${name}`).join(', ')},
         arrayWithConstant(${FIGURES.length}, toInt64(0)) AS a, [${FIGURES.map((column) => `h.${column}`).join(', ')}] AS b
       FROM usage_hourly AS h FINAL
       WHERE h.hour >= {from:DateTime64(3, 'UTC')} AND h.hour < {to:DateTime64(3, 'UTC')}
     ) AS s
     WHERE s.hour NOT IN (${TOUCHED})
     GROUP BY s.hour, ${HOURLY.dimensions.map((name) => `s.${name}`).join(', ')}
     HAVING rowSums != rollupSums ORDER BY hourMs, teamId, model LIMIT {max:UInt32}`,
    parameters,
    options,
  );
  const differences = rows.map(({ hourMs, teamId, model, rowSums, rollupSums }) => {
    const at = rowSums.findIndex((sum, place) => sum !== rollupSums[place]);
    const [inRows = 0, inRollup = 0] = [rowSums[at], rollupSums[at]];
    return { hourMs, teamId, model, column: FIGURES[at] ?? '', inRows, inRollup };
  });
  return { hours: counted?.hours ?? 0, differences };
}
