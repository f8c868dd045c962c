import type { LedgerClient, QueryOptions } from '../client.ts';
import { SUMMED } from '../rollups/rebuild.ts';
import type { UsageRow } from '../row.ts';

/** Of one query: a ClickHouse server takes 128 KiB for one value of the URL. */
const IDS_MAX = 1000;

/** The version of a request's row that stands. */
export interface StandingRow {
  id: string;
  version: number;
  /** The message that it came with. */
  seq: number;
  /** In the order of `SUMMED`. */
  figures: number[];
}

/** A figure of a row that is not what its event said. */
export interface WrongFigure {
  column: string;
  expected: number;
  found: number;
}

/** The highest version that stands for each of these requests, by request id; those that have no row are left out. */
export async function standingRows(
  client: LedgerClient,
  rows: readonly Pick<UsageRow, 'request_id' | 'team_id' | 'started_at'>[],
  options: QueryOptions = {},
): Promise<Map<string, StandingRow>> {
  const standing = new Map<string, StandingRow>();
  for (let start = 0; start < rows.length; start += IDS_MAX) {
    const part = rows.slice(start, start + IDS_MAX);
    const times = part.map((row) => row.started_at).sort();
    const found = await client.rows<StandingRow>(
      `SELECT id, s.1 AS version, s.2 AS seq, s.3 AS figures FROM
       (
         SELECT e.request_id AS id,
           argMax(tuple(e.version, e.stream_seq, [${SUMMED.map((column) => `toInt64(e.${column})`).join(', ')}]), (e.version, e.stream_seq)) AS s
         FROM usage_events AS e
         WHERE e.team_id IN {teams:Array(String)} AND e.started_at BETWEEN {from:DateTime64(3, 'UTC')} AND {to:DateTime64(3, 'UTC')}
           AND e.request_id IN {ids:Array(String)}
         GROUP BY id
       )`,
      {
        teams: [...new Set(part.map((row) => row.team_id))],
        from: times[0],
        to: times.at(-1),
        ids: part.map((row) => row.request_id),
      },
      options,
    );
    for (const row of found) standing.set(row.id, row);
  }
  return standing;
}

/** The first figure of the row that stands which its own event does not have; a row of another message is not judged by this one. */
export function wrongFigure(standing: StandingRow, row: UsageRow): WrongFigure | undefined {
  if (standing.version !== row.version || standing.seq !== row.stream_seq) return undefined;
  const at = SUMMED.findIndex((column, place) => standing.figures[place] !== row[column]);
  const column = SUMMED[at];
  return column && { column, expected: row[column], found: standing.figures[at] ?? 0 };
}
