import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Contender } from './contenders/contender.ts';
import { cpuMs } from './cpu.ts';
import type { LoadPlan, LoadReport } from './load/generator.ts';
import type { LargePlan } from './load/large.ts';

export interface Run extends LoadReport {
  contender: string;
  scenario: string;
  /** By process name, for 1,000 requests, warm-up included on both sides. */
  cpuMsPer1000: Record<string, number>;
}

export interface Scenario {
  name: string;
  mode: LoadPlan['mode'];
  /** Beside it one request a second with a body of so many bytes, not counted but among the errors. */
  largeBodyBytes?: number;
}

export async function measure(
  contender: Contender,
  scenario: Scenario,
  seconds: number,
  warmUpSeconds: number,
): Promise<Run> {
  const { url, headers } = contender;
  const plan = { url, headers, mode: scenario.mode, seconds, warmUpSeconds };
  const processes = await contender.processes();
  const before = cpuMs(processes);
  const bodyBytes = scenario.largeBodyBytes ?? 0;
  const [report, refused] = await Promise.all([
    load(plan),
    bodyBytes > 0 ? largeBodies({ url, headers, bodyBytes, seconds: seconds + warmUpSeconds }) : 0,
  ]);
  report.errors += refused;
  const after = cpuMs(processes);
  const all = ((report.requests + report.errors) * (seconds + warmUpSeconds)) / seconds;
  const cpuMsPer1000: Record<string, number> = {};
  for (const [name, ms] of after) cpuMsPer1000[name] = ((ms - (before.get(name) ?? 0)) / all) * 1000;
  return { ...report, contender: contender.name, scenario: scenario.name, cpuMsPer1000 };
}

/** Runs a load in a process of its own. */
export async function load(plan: LoadPlan): Promise<LoadReport> {
  return (await ownProcess('load/main.ts', plan)) as LoadReport;
}

async function largeBodies(plan: LargePlan): Promise<number> {
  return (await ownProcess('load/large.ts', plan)) as number;
}

async function ownProcess(name: string, plan: object): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    path.join(import.meta.dirname, name),
    JSON.stringify(plan),
  ]);
  return JSON.parse(stdout);
}
