import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Contender } from './contenders/contender.ts';
import { cpuMs } from './cpu.ts';
import type { LoadPlan, LoadReport } from './load/generator.ts';

export interface Run extends LoadReport {
  contender: string;
  scenario: string;
  /** By process name, for 1,000 requests, warm-up included on both sides. */
  cpuMsPer1000: Record<string, number>;
}

export interface Scenario {
  name: string;
  mode: LoadPlan['mode'];
  largeBodyBytes?: number;
  /** Left out for contenders that it says nothing about. */
  only?: readonly string[];
}

export async function measure(
  contender: Contender,
  scenario: Scenario,
  seconds: number,
  warmUpSeconds: number,
): Promise<Run> {
  const { url, headers } = contender;
  const plan: LoadPlan = {
    url,
    headers,
    mode: scenario.mode,
    seconds,
    warmUpSeconds,
    largeBodyBytes: scenario.largeBodyBytes ?? 0,
  };
  const processes = await contender.processes();
  const before = cpuMs(processes);
  const report = await load(plan);
  const after = cpuMs(processes);
  const all = ((report.requests + report.errors) * (seconds + warmUpSeconds)) / seconds;
  const cpuMsPer1000: Record<string, number> = {};
  for (const [name, ms] of after) cpuMsPer1000[name] = ((ms - (before.get(name) ?? 0)) / all) * 1000;
  return { ...report, contender: contender.name, scenario: scenario.name, cpuMsPer1000 };
}

/** Runs a load in a process of its own. */
export async function load(plan: LoadPlan): Promise<LoadReport> {
  const file = path.join(import.meta.dirname, 'load/main.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(plan)]);
  return JSON.parse(stdout) as LoadReport;
}
