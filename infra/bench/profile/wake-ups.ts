import { readFileSync } from 'node:fs';

/** How often the main threads of some processes slept and were woken so far (proc_pid_status(5), voluntary switches). */
export function wakeUps(processes: Map<string, number[]>): Map<string, number> {
  return new Map([...processes].map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + ofProcess(pid), 0)]));
}

/** 0: a process that is gone. */
function ofProcess(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1]);
  } catch {
    return 0;
  }
}
