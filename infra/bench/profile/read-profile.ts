import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The parts of a .cpuprofile that are read (Chrome DevTools Protocol, Profiler.Profile). */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

export interface Spent {
  /** `function file:line`, or what the engine itself did, such as `(garbage collector)`. */
  where: string;
  ms: number;
}

/** Milliseconds of CPU by function, without what it called, in the last `seconds` of a profile; the largest first. */
export function selfTimes(file: string, seconds: number): Spent[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const sums = new Map<string, number>();
  let leftUs = seconds * 1_000_000;
  for (let at = samples.length - 1; at > 0 && leftUs > 0; at--) {
    // A sample stands for the time until the next one.
    const us = timeDeltas[at] ?? 0;
    leftUs -= us;
    const name = names.get(samples[at - 1] ?? -1) ?? '(unknown)';
    if (name !== '(idle)') sums.set(name, (sums.get(name) ?? 0) + us);
  }
  return [...sums].map(([where, us]) => ({ where, ms: us / 1000 })).sort((a, b) => b.ms - a.ms);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName;
  const short = url.startsWith('file:') ? path.relative(process.cwd(), new URL(url).pathname) : url;
  return `${functionName || '(anonymous)'} ${short.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}
