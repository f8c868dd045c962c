import {
  type BudgetWindow,
  budgetSums,
  HOURLY,
  type LedgerClient,
  latestRequests,
  newestSequence,
  type QueryParameters,
  rollupDifferences,
  rowsAfter,
  teamUsage,
  usageBreakdown,
  usageBy,
  usageOverTime,
} from '@tollgate/ledger';
import { median } from './measure.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The generator's largest team, and so many of them. */
const largest = { name: 'team-0', id: 'project-0.team-0' };
const teams = Array.from({ length: 40 }, (_, number) => `project-${number % 5}.team-${number}`);

/** A question of Tollgate itself, as its service asks it. */
interface OwnQuestion {
  title: string;
  ask(client: Pick<LedgerClient, 'rows'>, nowMs: number): Promise<unknown>;
}

const back = (nowMs: number, ms: number) => ({ fromMs: nowMs - ms, toMs: nowMs });

/** What the console's page, its API, the command line, a rebuild and the reconciler ask. */
export const ownQuestions: readonly OwnQuestion[] = [
  ...Object.entries({ '1 h': hourMs, '24 h': dayMs, '7 d': 7 * dayMs, '30 d': 30 * dayMs }).map(([name, ms]) => ({
    title: `page: ${name}`,
    ask: (client: Pick<LedgerClient, 'rows'>, nowMs: number) =>
      usageBreakdown(client as LedgerClient, { range: back(nowMs, ms), nowMs }),
  })),
  {
    title: 'page: 30 d of one team',
    ask: (client, nowMs) =>
      usageBreakdown(client as LedgerClient, {
        ...{ range: back(nowMs, 30 * dayMs), filter: { teamId: largest.id }, nowMs },
      }),
  },
  ...Object.entries({ '24 h': dayMs, '30 d': 30 * dayMs }).flatMap(([name, ms]) => [
    {
      title: `usage: all teams, ${name}, to the millisecond`,
      ask: (client: Pick<LedgerClient, 'rows'>, nowMs: number) =>
        usageBreakdown(client as LedgerClient, { range: back(nowMs, ms), bucket: 'day', exact: true, nowMs }),
    },
    {
      title: `usage: one team, ${name}, to the millisecond`,
      ask: (client: Pick<LedgerClient, 'rows'>, nowMs: number) =>
        teamUsage(client as LedgerClient, largest.name, nowMs - ms, { filter: { teamId: largest.id }, nowMs }),
    },
  ]),
  { title: 'tail: where it begins', ask: (client) => client.rows(newestSequence) },
  { title: 'tail: each second', ask: (client) => client.rows(rowsAfter(0n, 500)) },
  { title: 'latest requests', ask: (client, nowMs) => latestRequests(client as LedgerClient, { nowMs }) },
  {
    title: 'totals of teams, 30 d',
    ask: (client, nowMs) => usageBy(client as LedgerClient, 'team', { range: back(nowMs, 30 * dayMs), nowMs }),
  },
  {
    title: 'teams over time, 30 d',
    ask: (client, nowMs) =>
      usageOverTime(client as LedgerClient, { range: back(nowMs, 30 * dayMs), by: 'team', nowMs }),
  },
  {
    title: 'rebuild: a month of each team and of all',
    ask: (client, nowMs) => {
      const times = { startMs: nowMs - 30 * dayMs, endMs: nowMs, models: [] };
      const windows: BudgetWindow[] = teams.map((scopeId) => ({ scope: 'team', scopeId, ...times }));
      windows.push({ scope: 'organization', scopeId: 'bench', ...times });
      return budgetSums(client as LedgerClient, {
        ...{ organizationId: 'bench', windows, upToSeq: Number.MAX_SAFE_INTEGER, unmeasuredSinceMs: nowMs - dayMs },
      });
    },
  },
  {
    title: 'reconciler: a day of sums by hour',
    ask: (client, nowMs) => {
      const toMs = Math.floor(nowMs / hourMs) * hourMs;
      return rollupDifferences(client as LedgerClient, HOURLY, { fromMs: toMs - dayMs, toMs }, 100);
    },
  },
];

export interface OwnTiming {
  title: string;
  /** Of each round, milliseconds from the question to the whole answer, all its statements together. */
  ms: number[];
  medianMs: number;
  statements: number;
  /** Of all statements, as ClickHouse answers. */
  lines: number;
  /** Rows that the primary key and the indexes leave to be read, as the engine estimates it. */
  rowsToRead: number;
  granules: number;
}

/**
 * Asks every question in every round, after one that is not counted.
 * @param toMs where the rows end: it is noon of the day before, in the middle of the traffic
 */
export async function measureOwn(
  client: LedgerClient,
  { toMs, rounds }: { toMs: number; rounds: number },
): Promise<OwnTiming[]> {
  const nowMs = toMs - dayMs / 2;
  const timings: OwnTiming[] = [];
  for (const { title, ask } of ownQuestions) {
    const statements: { query: string; parameters: QueryParameters }[] = [];
    let lines = 0;
    const noting: Pick<LedgerClient, 'rows'> = {
      async rows<T>(query: string, parameters: QueryParameters = {}) {
        const rows = await client.rows<T>(query, parameters);
        statements.push({ query, parameters });
        lines += rows.length;
        return rows;
      },
    };
    await ask(noting, nowMs);
    const ms: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedAtMs = performance.now();
      await ask({ rows: (...asked) => client.rows(...asked) }, nowMs);
      ms.push(performance.now() - startedAtMs);
    }
    let [rowsToRead, granules] = [0, 0];
    for (const { query, parameters } of statements) {
      const tables = await client.rows<{ rows: number; marks: number }>(`EXPLAIN ESTIMATE ${query}`, parameters);
      for (const { rows, marks } of tables) [rowsToRead, granules] = [rowsToRead + rows, granules + marks];
    }
    timings.push({ title, ms, medianMs: median(ms), statements: statements.length, lines, rowsToRead, granules });
  }
  return timings;
}

/** For docs/ledger-for-analysts.md. */
export function ownTimingTable(timings: readonly OwnTiming[]): string {
  const count = (value: number) => Math.round(value).toLocaleString('en-US');
  const lines = timings.map(
    ({ title, medianMs, statements, rowsToRead, granules, lines }) =>
      `| ${title} | ${count(medianMs)} | ${statements} | ${count(rowsToRead)} | ${count(granules)} | ${count(lines)} |`,
  );
  return [
    '| question | ms | statements | rows to read | granules | lines |',
    '|---|--:|--:|--:|--:|--:|',
    ...lines,
  ].join('\n');
}
