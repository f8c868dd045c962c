import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second (getconf CLK_TCK), fields 14 and 15 of proc_pid_stat(5). */
const msPerTick = 10;

/** User and system time of some processes so far, milliseconds; a process that is gone counts nothing. */
export function cpuMs(processes: Map<string, number[]>): Map<string, number> {
  return new Map([...processes].map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + ofProcess(pid), 0)]));
}

function ofProcess(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and brackets; the fields after its last bracket begin with the third.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * msPerTick;
  } catch {
    return 0;
  }
}
