import { median } from '../report.ts';
import { type Overspend, overspend } from './overspend.ts';
import { startReplica } from './replica.ts';
import { type Throughput, throughput } from './throughput.ts';

/** Callers at the same time: the pipelines of a busy gateway have that many admissions under way. */
const callers = 64;
const limit = 1_000_000;
/** Teams whose admissions touch one counter, and three. */
const measured = {
  'one-counter': '[{ tokens: 1000000000000, window: 1d }]',
  'three-counters':
    '[{ tokens: 1000000000000, window: 1h }, { costUsd: 9000000, window: 1mo }, { requests: 1000000000000, window: 1d }]',
};

export interface AdmissionReport {
  /** By team, of each round. */
  throughput: Record<string, Throughput[]>;
  overspend: Overspend[];
}

/** What admission costs, and what a nearly spent budget loses to many requests at once: one guard-auth and one Redis. */
export async function admission(rounds: number, seconds: number): Promise<AdmissionReport> {
  const modes = ['hard', 'strict'] as const;
  const spent = Array.from({ length: rounds }, (_, round) => modes.map((mode) => ({ mode, team: `${mode}-${round}` })));
  const teams = Object.fromEntries(
    spent.flat().map(({ mode, team }) => [team, `[{ tokens: ${limit}, window: 1d, mode: ${mode} }]`]),
  );
  const replica = await startReplica({ ...measured, ...teams });
  try {
    const report: AdmissionReport = { throughput: {}, overspend: [] };
    const names = Object.keys(measured);
    for (const team of names) await throughput(replica, team, seconds, callers);
    for (const nearlySpent of spent) {
      for (const name of names) {
        const run = await throughput(replica, name, seconds, callers);
        report.throughput[name] = [...(report.throughput[name] ?? []), run];
      }
      for (const { mode, team } of nearlySpent) report.overspend.push(await overspend(replica, team, mode, limit));
    }
    return report;
  } finally {
    await replica.stop();
  }
}

/** Medians of the rounds, for people. */
export function admissionText(report: AdmissionReport): string {
  const lines = Object.entries(report.throughput).map(([name, runs]) => {
    const of = (pick: (run: Throughput) => number, digits = 0) => median(runs.map(pick)).toFixed(digits);
    const [guard, redis] = [of((run) => run.cpuUs['guard-auth'] ?? 0), of((run) => run.cpuUs.redis ?? 0)];
    const slot = of(({ cpuUs }) => 1_000_000 / (cpuUs.redis ?? Number.POSITIVE_INFINITY));
    const refused = runs.reduce((sum, run) => sum + run.refused, 0);
    return (
      `admission, ${name}: ${of((run) => run.perSecond)}/s by one guard-auth (${callers} at once), ${slot}/s at most by the one core ` +
      `of Redis that has a slot, CPU µs guard-auth ${guard}, Redis ${redis}, ${of((run) => run.roundTrips, 3)} round trips to Redis ` +
      `an admission, ${refused} refused`
    );
  });
  for (const { mode, admitted, refused, failed, percent, errorPercent } of report.overspend) {
    const estimates = mode === 'hard' ? `; their estimates were ${errorPercent.toFixed(3)} % too low` : '';
    lines.push(
      `overspend, ${mode}, 200 at once on room for 10: ${admitted} admitted, ${refused} refused, ${failed} failed, ` +
        `${percent.toFixed(3)} % of the limit${estimates}`,
    );
  }
  return lines.join('\n');
}
