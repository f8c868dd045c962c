import type { ChildProcess } from 'node:child_process';

/** Something that stands between the load and the same zero-delay upstream. */
export interface Contender {
  name: string;
  url: string;
  headers: Record<string, string>;
  /** Processes whose CPU time counts, by name; asked before and after each run. */
  processes(): Promise<Map<string, number[]>>;
  stop(): Promise<void>;
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}
