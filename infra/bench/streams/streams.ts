import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { startWithIpc } from '../contenders/child.ts';
import { type Contender, end } from '../contenders/contender.ts';
import { portkey } from '../contenders/portkey.ts';
import { tollgate } from '../contenders/tollgate.ts';
import { cpuMs } from '../cpu.ts';
import { median } from '../report.ts';
import type { StreamPlan, StreamReport } from './load.ts';

export interface StreamRun extends StreamReport {
  contender: string;
  round: number;
  open: number;
  /** By process name, for 1,000 chunks with content. */
  cpuMsPer1000: Record<string, number>;
}

/** A fast model writes so many a second. */
const perSecond = 20;
const streamSeconds = 5;
const chunks = perSecond * streamSeconds;

/**
 * So many streams at a time of 20 chunks a second, in turns through each gateway and from the provider itself.
 * @param deployments Tollgate's, as TOLLGATE_TOGETHER by name
 */
export async function streams(
  open: readonly number[],
  rounds: number,
  seconds: number,
  deployments: readonly { name: string; together: string }[],
): Promise<StreamRun[]> {
  const provider = await pacedProvider();
  const contenders = [provider];
  const { origin } = new URL(provider.url);
  try {
    contenders.push(await portkey(origin));
    for (const { name, together } of deployments) contenders.push(await tollgate(origin, name, together));
    for (const contender of contenders) await load(contender, 50, streamSeconds);
    const runs: StreamRun[] = [];
    for (let round = 1; round <= rounds; round++) {
      for (const count of open) {
        for (const contender of contenders) {
          const processes = await contender.processes();
          const before = cpuMs(processes);
          const report = await load(contender, count, seconds);
          const after = cpuMs(processes);
          // The processes worked for all chunks, also those before all streams were open.
          const all = report.streams * chunks;
          const cpuMsPer1000: Record<string, number> = {};
          for (const [name, ms] of after) cpuMsPer1000[name] = ((ms - (before.get(name) ?? 0)) / all) * 1000;
          const run = { ...report, contender: contender.name, round, open: count, cpuMsPer1000 };
          runs.push(run);
          console.error(`round ${round}, ${line(run)}`);
        }
      }
    }
    return runs;
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
}

/** The provider itself, as what nothing stands before. */
export async function pacedProvider(): Promise<Contender> {
  const pace = [String(chunks), String(perSecond)];
  const { address, child } = await startWithIpc(path.join(import.meta.dirname, 'paced-provider.ts'), {}, pace);
  return {
    name: 'upstream alone',
    url: `${address}/v1/chat/completions`,
    headers: {},
    processes: async () => new Map([['upstream', [child.pid as number]]]),
    stop: () => end(child),
  };
}

/** So many streams open for so many seconds, by a process of its own. @returns thousands of chunks of all of them */
export async function thousandChunks(contender: Contender, open: number, seconds: number): Promise<number> {
  const { streams: all } = await load(contender, open, seconds);
  return (all * chunks) / 1000;
}

async function load({ url, headers }: Contender, open: number, seconds: number): Promise<StreamReport> {
  const plan: StreamPlan = { url, headers, streams: open, chunks, streamSeconds, seconds };
  const file = path.join(import.meta.dirname, 'load.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(plan)]);
  return JSON.parse(stdout) as StreamReport;
}

function line(run: StreamRun): string {
  const cpu = Object.values(run.cpuMsPer1000).reduce((sum, ms) => sum + ms, 0);
  return (
    `${run.open} streams, ${run.contender}: ${Math.round(run.chunks / run.seconds)} chunks/s of ${run.open * perSecond}, ` +
    `first content p50 ${(run.firstP50Us / 1000).toFixed(1)} ms, p99 ${(run.firstP99Us / 1000).toFixed(1)} ms, ` +
    `${run.failed} failed, ${run.misplaced} chunks lost or out of order, CPU ${cpu.toFixed(0)} ms per 1,000 chunks`
  );
}

/** Medians of the rounds; added latency and ratios are taken round by round, since machines drift. */
export function streamsText(runs: readonly StreamRun[]): string {
  const groups = Map.groupBy(runs, ({ open, contender }) => `${open}\n${contender}`);
  return [...groups.values()].map((group) => described(group, runs)).join('\n');
}

function described(group: readonly StreamRun[], runs: readonly StreamRun[]): string {
  const { open, contender } = group[0] as StreamRun;
  const of = (name: string) => runs.filter((run) => run.open === open && run.contender === name);
  const [bare, portkeys] = [of('upstream alone'), of('Portkey')];
  const cpuOf = (run: StreamRun) => Object.values(run.cpuMsPer1000).reduce((sum, ms) => sum + ms, 0);
  const added = (key: 'firstP50Us' | 'firstP99Us') =>
    (median(group.map((run, at) => run[key] - (bare[at]?.[key] ?? Number.NaN))) / 1000).toFixed(1);
  const sum = (pick: (run: StreamRun) => number) => group.reduce((total, run) => total + pick(run), 0);
  const ratio = median(group.map((run, at) => cpuOf(run) / cpuOf(portkeys[at] ?? run)));
  const told = [
    `${open} streams at ${perSecond} chunks/s, ${contender}: ${median(group.map((run) => run.chunks / run.seconds)).toFixed(0)} chunks/s`,
    `first content +${added('firstP50Us')} ms p50, +${added('firstP99Us')} ms p99`,
    `${median(group.map(cpuOf)).toFixed(0)} ms of CPU per 1,000 chunks (${ratio.toFixed(2)} of Portkey's)`,
    `${sum(({ failed }) => failed)} of ${sum((run) => run.streams)} failed, ${sum(({ misplaced }) => misplaced)} chunks lost or out of order`,
  ];
  return told.join('; ');
}
