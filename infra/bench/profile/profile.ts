import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Contender } from '../contenders/contender.ts';
import { tollgate } from '../contenders/tollgate.ts';
import { cpuMs } from '../cpu.ts';
import { byPart, selfTimes } from './read-profile.ts';
import { wakeUps } from './wake-ups.ts';

const warmUpSeconds = 20;
const functionsShown = 12;
const partsShown = 8;
/** 1 ms samples disturb the least; over some seconds they are thousands. */
const intervalUs = 1000;

/** What is profiled. */
export interface Work {
  upstreamUrl: string;
  /** What CPU time and wake-ups are counted for. */
  unit: string;
  /** @returns units done */
  run(contender: Contender, seconds: number): Promise<number>;
}

/**
 * What Tollgate's processes spend their time on: CPU and wake-ups a unit of each, and for each service whose code that was
 * and the functions with the most time of their own, from V8's sampling profiler (`node --cpu-prof`), once compilers are done.
 * @param together TOLLGATE_TOGETHER
 */
export async function profile(work: Work, seconds: number, together: string): Promise<string> {
  return `${await costs(work, seconds, together)}\n\n${await functions(work, seconds, together)}`;
}

/** A run of its own: a profiler wakes what it looks at. */
async function costs(work: Work, seconds: number, together: string): Promise<string> {
  const contender = await tollgate(work.upstreamUrl, 'Tollgate', together);
  try {
    await work.run(contender, warmUpSeconds);
    const processes = await contender.processes();
    const [cpuBefore, wakesBefore] = [cpuMs(processes), wakeUps(processes)];
    const units = await work.run(contender, seconds);
    const [cpuAfter, wakesAfter] = [cpuMs(processes), wakeUps(processes)];
    const lines = [...processes.keys()].map((name) => {
      const cpu = ((cpuAfter.get(name) ?? 0) - (cpuBefore.get(name) ?? 0)) / units;
      const wakes = ((wakesAfter.get(name) ?? 0) - (wakesBefore.get(name) ?? 0)) / units;
      return `${name}: ${cpu.toFixed(2)} ms of CPU and ${wakes.toFixed(1)} wake-ups ${work.unit}`;
    });
    return lines.join('\n');
  } finally {
    await contender.stop();
  }
}

async function functions(work: Work, seconds: number, together: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-profile-'));
  const { NODE_OPTIONS: before = '' } = process.env;
  const names = new Map<number, string>();
  try {
    process.env.NODE_OPTIONS = `${before} --cpu-prof --cpu-prof-interval=${intervalUs} --cpu-prof-dir=${folder}`;
    const contender = await tollgate(work.upstreamUrl, 'Tollgate', together);
    try {
      process.env.NODE_OPTIONS = before;
      await work.run(contender, warmUpSeconds);
      for (const [name, pids] of await contender.processes()) for (const pid of pids) names.set(pid, name);
      await work.run(contender, seconds);
    } finally {
      // A profile is written when its process ends.
      await contender.stop();
    }
    const described: string[] = [];
    for (const file of await readdir(folder)) {
      // CPU.<day>.<time>.<process>.<thread>.<number>.cpuprofile (Node's documentation, --cpu-prof-name)
      const name = names.get(Number(file.split('.')[3]));
      if (name) described.push(describe(name, path.join(folder, file), seconds));
    }
    return described.sort().join('\n\n');
  } finally {
    process.env.NODE_OPTIONS = before;
    await rm(folder, { recursive: true, force: true });
  }
}

function describe(service: string, file: string, seconds: number): string {
  const spent = selfTimes(file, seconds);
  const total = spent.reduce((sum, { ms }) => sum + ms, 0);
  const share = (ms: number) => (total > 0 ? (ms / total) * 100 : 0);
  const parts = [...byPart(spent)].slice(0, partsShown).map(([part, ms]) => `${part} ${share(ms).toFixed(0)} %`);
  const lines = spent
    .slice(0, functionsShown)
    .map(({ where, ms }) => `  ${share(ms).toFixed(1).padStart(5)} %  ${where}`);
  return [`${service}: ${total.toFixed(0)} ms sampled; ${parts.join(', ')}`, ...lines].join('\n');
}
