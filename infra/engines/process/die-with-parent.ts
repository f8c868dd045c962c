import { execFileSync } from 'node:child_process';

let supported: boolean | undefined;

/**
 * The same command, told by the kernel to end (SIGTERM) when this process is gone, however it went. Linux with
 * util-linux only; elsewhere the next start ends what is left (pid-file.ts).
 */
export function dieWithParent(command: readonly string[]): string[] {
  supported ??= canSetParentDeathSignal();
  return supported ? ['setpriv', '--pdeathsig', 'TERM', '--', ...command] : [...command];
}

// Busybox has a setpriv without this option.
function canSetParentDeathSignal(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    execFileSync('setpriv', ['--pdeathsig', 'TERM', '--', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
