import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process as /proc shows it. */
export interface HomeProcess {
  pid: number;
  /** The program and its arguments. */
  command: string;
}

/**
 * Every process of the installation in `home`, this one left out: what holds a file of it open (each engine, service and simulator
 * writes its log there), works in it, or names it in its command or environment (npm, its shell, the launcher). Linux only.
 */
export function processesOf(home: string): HomeProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .filter((pid) => pid !== process.pid && tracesOf(pid).some((trace) => trace.includes(home)))
    .map((pid) => ({ pid, command: read(pid, 'cmdline').replaceAll('\0', ' ').trim() }));
}

/** `pid`, its parent, and so on up to process 1. */
export function ancestry(pid: number): number[] {
  const line: number[] = [];
  for (let at = pid; at > 1; ) {
    line.push(at);
    const stat = read(at, 'stat');
    // The second field is the program's name in parentheses and may hold anything, even parentheses.
    at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  return line;
}

function tracesOf(pid: number): string[] {
  const open = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const links = ['cwd', ...open.map((descriptor) => `fd/${descriptor}`)];
  return [read(pid, 'cmdline'), read(pid, 'environ'), ...links.map((link) => target(pid, link))];
}

// Processes end while they are looked at.
const read = (pid: number, file: string) => attempt(() => readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? '';
const target = (pid: number, file: string) => attempt(() => readlinkSync(`/proc/${pid}/${file}`)) ?? '';

function attempt<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
