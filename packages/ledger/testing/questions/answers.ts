import { type UsageRow, utc } from '../../row.ts';
import { HOUR_MS } from '../rows.ts';
import type { GeneratedRequest } from './requests.ts';

const DAY_MS = 24 * HOUR_MS;

type Line = Record<string, unknown>;
type Requests = readonly GeneratedRequest[];

/** What the times in the questions are reckoned from. */
export interface Times {
  nowMs: number;
  hourMs: number;
  dayMs: number;
  monthMs: number;
  monthBeforeMs: number;
  /** A month before `nowMs`, as ClickHouse reckons: the same day, or the last one of a shorter month. */
  nowMonthBeforeMs: number;
  monthEndMs: number;
}

/** @param nowMs of a day that every month has */
export function timesOf(nowMs: number): Times {
  const now = new Date(nowMs);
  const month = (offset: number) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset);
  return {
    nowMs,
    hourMs: nowMs - (nowMs % HOUR_MS),
    dayMs: nowMs - (nowMs % DAY_MS),
    monthMs: month(0),
    monthBeforeMs: month(-1),
    nowMonthBeforeMs: month(-1) + (nowMs - month(0)),
    monthEndMs: month(1),
  };
}

/** Each question's answer by its number, summed here from the requests' standing rows: nothing of it is asked from the ledger. */
export function answers(all: Requests, at: Times): Record<number, Line[]> {
  const since = (fromMs: number) => all.filter(({ startedAtMs }) => startedAtMs >= fromMs);
  const hour = (request: GeneratedRequest) => request.startedAtMs - (request.startedAtMs % HOUR_MS);
  const hoursSince = (fromMs: number) => all.filter((request) => hour(request) >= fromMs);
  const before = (fromMs: number) => since(at.nowMs - fromMs);
  const sumsOf30Days = hoursSince(at.hourMs - 30 * DAY_MS);
  return {
    1: group(
      hoursSince(at.monthBeforeMs),
      ({ row }) => ({ team_id: row.team_id }),
      (some) => ({
        usd: usd(some.filter((request) => hour(request) >= at.monthMs)),
        usd_before_by_now: usd(some.filter((request) => hour(request) < at.nowMonthBeforeMs)),
        usd_before: usd(some.filter((request) => hour(request) < at.monthMs)),
      }),
    ).sort(by('-usd', 'team_id')),
    2: group(
      sumsOf30Days,
      ({ row }) => ({ team_id: row.team_id, model: row.model }),
      (some) => ({
        ...traffic(some),
        usd: usd(some),
      }),
    )
      .filter((line) => Number(line.usd) > 0)
      .sort(by('-usd', 'team_id', 'model')),
    3: group(
      since(at.dayMs - 30 * DAY_MS),
      ({ row }) => ({ key_id: row.key_id, team_id: row.team_id }),
      (some) => ({
        calls: some.length,
        usd: usd(some),
        last_day: `${latest(some).slice(0, 10)} 00:00:00`,
      }),
    )
      .sort(by('-usd', 'key_id'))
      .slice(0, 20),
    4: group(
      sumsOf30Days,
      ({ row }) => ({ team_id: row.team_id }),
      (some) => {
        const hits = some.filter(({ row }) => row.cache_status === 'HIT').length;
        const misses = some.filter(({ row }) => row.cache_status === 'MISS').length;
        const saved = sum(some, 'saved_nano_usd') / 1e9;
        return { hits, misses, hit_share: share(hits, hits + misses), usd: usd(some), saved_usd: saved };
      },
    ).sort(by('-saved_usd', 'team_id')),
    5: group(
      before(7 * DAY_MS).filter(({ row }) => row.status === 'completed'),
      ({ row }) => ({ model: row.model, stream: row.stream }),
      (some) => {
        const first = some.map(({ row }) => row.ttft_ms).filter((ms) => ms > 0);
        const whole = some.map(({ row }) => row.latency_ms);
        return {
          calls: some.length,
          ...{ first_ms_p50: quantile(first, 0.5), first_ms_p95: quantile(first, 0.95) },
          ...{ whole_ms_p50: quantile(whole, 0.5), whole_ms_p95: quantile(whole, 0.95) },
        };
      },
    ).sort(by('-calls', 'model', 'stream')),
    6: group(
      before(DAY_MS),
      ({ row }) => ({ code: row.code, http_status: row.http_status }),
      (some) => ({
        calls: some.length,
        share: some.length / before(DAY_MS).length,
        last: latest(some),
      }),
    ).sort(by('-calls', 'code', 'http_status')),
    7: groupEach(
      before(7 * DAY_MS),
      ({ row }) =>
        Object.keys(row.guardrail_hits)
          .map((hit) => ({ mode: hit.slice(0, hit.indexOf('.')), limit_name: hit.slice(hit.indexOf('.') + 1), hit }))
          .filter(({ mode }) => ['hard', 'strict', 'soft', 'shadow'].includes(mode))
          .map((hit) => ({ team_id: row.team_id, ...hit })),
      (some) => ({ calls: some.length, last: latest(some) }),
    )
      .sort(by('-calls', 'team_id', 'hit'))
      .map(({ hit: _, ...line }) => line),
    8: group(
      before(30 * DAY_MS),
      ({ row }) => ({ team_id: row.team_id }),
      (some) => {
        const of = (version: number) => usd(some.filter(({ row }) => row.version === version));
        const [abandoned, estimated, measured] = [of(1), of(2), of(3)];
        const parts = { measured_usd: measured, estimated_usd: estimated, abandoned_usd: abandoned };
        return { usd: usd(some), ...parts, measured_share: measured / usd(some) };
      },
    ).sort(by('-usd', 'team_id')),
    9: group(
      before(30 * DAY_MS).filter(({ row }) => row.metadata.customer),
      ({ row }) => ({ customer: row.metadata.customer }),
      (some) => ({
        calls: some.length,
        tokens: sum(some, 'prompt_tokens') + sum(some, 'completion_tokens'),
        usd: usd(some),
      }),
    ).sort(by('-usd', 'customer')),
    10: group(
      sumsOf30Days.filter(({ row }) => row.model !== ''),
      ({ row }) => ({ model: row.model }),
      (some) => {
        const [completion, reasoning] = [sum(some, 'completion_tokens'), sum(some, 'reasoning_tokens')];
        const cached = sum(some, 'cached_prompt_tokens');
        const shares = { reasoning_share: share(reasoning, completion), cached_prompt: cached };
        return { completion, reasoning, ...shares, cached_share: share(cached, sum(some, 'prompt_tokens')) };
      },
    ).sort(by('-reasoning', 'model')),
    11: Array.from({ length: 48 }, (_, position) => {
      const startMs = at.hourMs + (position - 47) * HOUR_MS;
      const some = all.filter((request) => hour(request) === startMs);
      return { hour: utc(startMs).slice(0, 19), ...traffic(some), usd: usd(some) };
    }),
    12: group(
      hoursSince(Math.min(at.monthMs, at.hourMs - 7 * DAY_MS)),
      ({ row }) => ({ team_id: row.team_id }),
      (some) => {
        const soFar = usd(some.filter((request) => hour(request) >= at.monthMs));
        const lately = some.filter((request) => hour(request) >= at.hourMs - 7 * DAY_MS && hour(request) < at.hourMs);
        const aDay = sum(lately, 'cost_nano_usd') / 7e9;
        const daysLeft = (at.monthEndMs - at.hourMs) / DAY_MS;
        return { usd: soFar, usd_a_day: aDay, usd_forecast: soFar + aDay * daysLeft };
      },
    ).sort(by('-usd_forecast', 'team_id')),
    13: groupEach(
      before(30 * DAY_MS),
      ({ row }) => Object.keys(row.pii_entities).map((entity) => ({ team_id: row.team_id, entity })),
      (some, { entity }) => ({
        calls: some.length,
        masked_values: some.reduce((total, { row }) => total + (row.pii_entities[String(entity)] ?? 0), 0),
      }),
    ).sort(by('-masked_values', 'team_id', 'entity')),
    14: failures(before(7 * DAY_MS)),
    15: group(
      before(DAY_MS).filter(({ row }) => row.status === 'completed'),
      (request) => ({ hour: utc(hour(request)).slice(0, 19) }),
      (some) => {
        const mean = (stage: string) =>
          some.reduce((total, { row }) => total + (row.stage_us[stage] ?? 0) / 1000, 0) / some.length;
        const stages = { auth: mean('auth'), pii: mean('pii'), cache: mean('cache'), router: mean('router') };
        return { calls: some.length, ...stages, upstream: mean('upstream') };
      },
    ).sort(by('hour')),
  };
}

function failures(requests: Requests): Line[] {
  const attempts = requests.flatMap(({ row }) =>
    row['attempts.code'].map((failure, at) => ({
      failed_model: row['attempts.model'][at] ?? '',
      failure,
      tokens: (row['attempts.prompt_tokens'][at] ?? 0) + (row['attempts.completion_tokens'][at] ?? 0),
      nanoUsd: row['attempts.cost_nano_usd'][at] ?? 0,
    })),
  );
  const failed = attempts.filter(({ failure }) => failure !== '');
  return [...Map.groupBy(failed, ({ failed_model, failure }) => `${failed_model} ${failure}`).values()]
    .map((some) => ({
      failed_model: some[0]?.failed_model,
      failure: some[0]?.failure,
      calls: some.length,
      tokens: some.reduce((total, attempt) => total + attempt.tokens, 0),
      usd: some.reduce((total, attempt) => total + attempt.nanoUsd, 0) / 1e9,
    }))
    .sort(by('-calls', 'failed_model', 'failure'));
}

function group(some: Requests, names: (request: GeneratedRequest) => Line, figures: (of: Requests) => Line): Line[] {
  return groupEach(some, (request) => [names(request)], figures);
}

/** A request may stand in several groups. */
function groupEach(
  some: Requests,
  names: (request: GeneratedRequest) => Line[],
  figures: (of: Requests, name: Line) => Line,
): Line[] {
  const groups = new Map<string, { name: Line; of: GeneratedRequest[] }>();
  for (const request of some) {
    for (const name of names(request)) {
      const key = JSON.stringify(name);
      const known = groups.get(key) ?? { name, of: [] };
      known.of.push(request);
      groups.set(key, known);
    }
  }
  return [...groups.values()].map(({ name, of }) => ({ ...name, ...figures(of, name) }));
}

type Figure = { [Name in keyof UsageRow]: UsageRow[Name] extends number ? Name : never }[keyof UsageRow];

function sum(some: Requests, column: Figure): number {
  return some.reduce((total, { row }) => total + row[column], 0);
}

const usd = (some: Requests) => sum(some, 'cost_nano_usd') / 1e9;
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
const latest = (some: Requests) => utc(Math.max(...some.map(({ startedAtMs }) => startedAtMs)));
const traffic = (some: Requests) => ({
  calls: some.length,
  prompt: sum(some, 'prompt_tokens'),
  completion: sum(some, 'completion_tokens'),
});

/** Between its two neighbours, as ClickHouse's `quantile` of few values. */
function quantile(values: readonly number[], level: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const position = level * (sorted.length - 1);
  const below = Math.floor(position);
  const left = sorted[below] ?? 0;
  return left + ((sorted[below + 1] ?? left) - left) * (position - below);
}

/** In the order of these columns; with `-` the largest first. Texts by their bytes, as ClickHouse has them. */
function by(...columns: string[]): (one: Line, other: Line) => number {
  return (one, other) => {
    for (const column of columns) {
      const name = column.replace('-', '');
      const [a, b] = [one[name] as number | string, other[name] as number | string];
      if (a !== b) return a < b === column.startsWith('-') ? 1 : -1;
    }
    return 0;
  };
}
