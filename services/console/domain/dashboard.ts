import type { ConfigSnapshot } from '@tollgate/config';
import {
  type BreakdownPoint,
  type Bucket,
  REST_GROUP,
  type UsageBreakdown,
  type UsageCell,
  type UsageSums,
} from '@tollgate/ledger';

const bucketMs: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const cellsMax = 200;

interface Named {
  id: string;
  name: string;
}

/** One group of a stacked chart: a value for each bucket, 0 where nothing happened. */
interface Series extends Named {
  tokens: number[];
  costNanoUsd: number[];
  requests: number[];
  cacheHits: number[];
}

export interface Dashboard {
  /** Beginning of the first bucket. */
  fromMs: number;
  toMs: number;
  bucket: Bucket;
  /** Beginnings, in UTC. */
  bucketsMs: number[];
  totals: UsageSums;
  /** The most expensive first, at most 200. */
  cells: (UsageCell & { teamName: string })[];
  /** What the cells beyond them used together. */
  restOfCells?: UsageSums;
  byTeam: Series[];
  byModel: Series[];
  /** What can be chosen: of the configuration, and of the rows that were found. */
  teams: Named[];
  models: string[];
}

/** What the page shows, out of one answer of the ledger. */
export function toDashboard(usage: UsageBreakdown, snapshot: ConfigSnapshot | undefined): Dashboard {
  const { range, bucket, total, cells } = usage;
  const bucketsMs: number[] = [];
  for (let at = range.fromMs; at < range.toMs; at += bucketMs[bucket]) bucketsMs.push(at);
  const teams = namedTeams(cells, snapshot);
  const names = new Map(teams.map(({ id, name }) => [id, name]));
  const shown = cells.slice(0, cellsMax);
  return {
    ...range,
    bucket,
    bucketsMs,
    totals: total,
    cells: shown.map((cell) => ({ ...cell, teamName: names.get(cell.teamId) ?? cell.team })),
    ...(cells.length > shown.length && { restOfCells: without(total, shown) }),
    byTeam: toSeries(usage.byTeam, bucketsMs, (id) => names.get(id) ?? id),
    byModel: toSeries(usage.byModel, bucketsMs, (id) => id),
    teams,
    models: distinct([
      ...(snapshot?.providers.flatMap(({ models }) => models.map(({ name }) => name)) ?? []),
      ...cells.map(({ model }) => model),
    ]),
  };
}

/** Two teams of one name in different projects are told apart by the project. */
function namedTeams(cells: readonly UsageCell[], snapshot: ConfigSnapshot | undefined): Named[] {
  const found = new Map<string, { project: string; team: string }>();
  for (const { teamId, team, project } of cells) found.set(teamId, { project, team });
  for (const project of snapshot?.projects ?? [])
    for (const team of project.teams) found.set(team.id, { project: project.name, team: team.name });
  const count = new Map<string, number>();
  for (const { team } of found.values()) count.set(team, (count.get(team) ?? 0) + 1);
  return [...found]
    .map(([id, { project, team }]) => ({ id, name: (count.get(team) ?? 0) > 1 ? `${project} / ${team}` : team }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The group with the highest cost first, then the most tokens, then requests; the rest last. */
function toSeries(points: readonly BreakdownPoint[], bucketsMs: readonly number[], nameOf: (id: string) => string) {
  const indexes = new Map(bucketsMs.map((at, index) => [at, index]));
  const series = new Map<string, Series>();
  for (const { bucketMs: at, group, tokens, costNanoUsd, requests, cacheHits } of points) {
    const index = indexes.get(at);
    if (index === undefined) continue;
    const zeros = () => new Array<number>(bucketsMs.length).fill(0);
    const one = series.get(group) ?? {
      id: group,
      name: group === REST_GROUP ? 'others' : nameOf(group),
      tokens: zeros(),
      costNanoUsd: zeros(),
      requests: zeros(),
      cacheHits: zeros(),
    };
    one.tokens[index] = tokens;
    one.costNanoUsd[index] = costNanoUsd;
    one.requests[index] = requests;
    one.cacheHits[index] = cacheHits;
    series.set(group, one);
  }
  const rank = ({ id }: Series) => (id === REST_GROUP ? 1 : 0);
  return [...series.values()].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      sum(b.costNanoUsd) - sum(a.costNanoUsd) ||
      sum(b.tokens) - sum(a.tokens) ||
      sum(b.requests) - sum(a.requests) ||
      a.name.localeCompare(b.name),
  );
}

function without(total: UsageSums, cells: readonly UsageCell[]): UsageSums {
  const rest = { ...total };
  for (const name of Object.keys(rest) as (keyof UsageSums)[]) for (const cell of cells) rest[name] -= cell[name];
  return rest;
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
const distinct = (names: readonly string[]) => [...new Set(names)].filter((name) => name !== '').sort();
