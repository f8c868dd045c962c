import type { Run } from './measure.ts';

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export interface Row {
  scenario: string;
  contender: string;
  rounds: number;
  requestsPerSecond: number;
  errors: number;
  p50Ms: number;
  p99Ms: number;
  /** Over the bare upstream in the same round. */
  addedP50Ms: number;
  addedP99Ms: number;
  cpuMsPer1000: Record<string, number>;
  cpuMsPer1000Total: number;
}

const baseline = 'upstream alone';

/** Medians over the rounds. Added latency is taken round by round, since machines drift. */
export function summarize(runs: readonly Run[]): Row[] {
  const groups = Map.groupBy(runs, (run) => `${run.scenario}\n${run.contender}`);
  return [...groups.values()].map((group) => {
    const { scenario, contender } = group[0] as Run;
    const bare = runs.filter((run) => run.scenario === scenario && run.contender === baseline);
    const added = (key: 'p50Us' | 'p99Us') =>
      median(group.map((run, round) => (run[key] - (bare[round]?.[key] ?? Number.NaN)) / 1000));
    const names = Object.keys((group[0] as Run).cpuMsPer1000);
    const cpuMsPer1000 = Object.fromEntries(
      names.map((name) => [name, median(group.map((run) => run.cpuMsPer1000[name] ?? 0))]),
    );
    return {
      scenario,
      contender,
      rounds: group.length,
      requestsPerSecond: median(group.map((run) => run.requests / run.seconds)),
      errors: group.reduce((sum, run) => sum + run.errors, 0),
      p50Ms: median(group.map((run) => run.p50Us)) / 1000,
      p99Ms: median(group.map((run) => run.p99Us)) / 1000,
      addedP50Ms: added('p50Us'),
      addedP99Ms: added('p99Us'),
      cpuMsPer1000,
      cpuMsPer1000Total: Object.values(cpuMsPer1000).reduce((sum, ms) => sum + ms, 0),
    };
  });
}

/** A contender over Portkey, round by round: the figure that a noisy machine leaves standing. */
export function ratios(runs: readonly Run[], name: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const scenario of new Set(runs.map((run) => run.scenario))) {
    const of = (contender: string) => runs.filter((run) => run.scenario === scenario && run.contender === contender);
    const [ours, theirs] = [of(name), of('Portkey')];
    if (ours.length === 0 || theirs.length === 0) continue;
    const paired = (pick: (run: Run) => number) =>
      median(ours.map((run, round) => pick(run) / pick(theirs[round] as Run)));
    result[`${scenario}: requests/s`] = paired((run) => run.requests / run.seconds);
    result[`${scenario}: p50`] = paired((run) => run.p50Us);
    result[`${scenario}: p99`] = paired((run) => run.p99Us);
  }
  return result;
}

/** How far something beside a load moves its p99, round by round: of scenarios that are named `<usual> beside …`. */
export function besides(runs: readonly Run[], name: string, usual: string): Record<string, number> {
  const of = (scenario: string) => runs.filter((run) => run.scenario === scenario && run.contender === name);
  const without = of(usual);
  const result: Record<string, number> = {};
  for (const scenario of new Set(runs.map((run) => run.scenario))) {
    if (!scenario.startsWith(`${usual} beside `) || without.length === 0) continue;
    result[scenario] = median(of(scenario).map((run, round) => run.p99Us / (without[round]?.p99Us ?? Number.NaN)));
  }
  return result;
}

export function table(rows: readonly Row[]): string {
  const header = ['scenario', 'gateway', 'req/s', 'errors', 'p50 ms', 'p99 ms', '+p50', '+p99', 'CPU ms/1,000'];
  const number = (value: number) => (Number.isFinite(value) ? value.toFixed(2) : '–');
  const lines = rows.map((row) => [
    row.scenario,
    row.contender,
    row.requestsPerSecond.toFixed(0),
    String(row.errors),
    number(row.p50Ms),
    number(row.p99Ms),
    number(row.addedP50Ms),
    number(row.addedP99Ms),
    row.cpuMsPer1000Total.toFixed(0),
  ]);
  const widths = header.map((text, column) => Math.max(text.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: string[]) =>
    line
      .map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join('  ');
  return [format(header), ...lines.map(format)].join('\n');
}
