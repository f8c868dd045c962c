import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryFolder } from '@tollgate/engines';
import { say } from '@tollgate/engines/host/progress';

const run = promisify(execFile);
const buildMsMax = 120_000;
const outputBytesMax = 10_000_000;

const builder = path.join(repositoryFolder, 'apps', 'web', 'build.ts');

/**
 * Has the console's pages built where they are missing or their sources changed (apps/web decides that). Throws with the
 * builder's output when it fails.
 */
export async function buildPages(): Promise<void> {
  // A copy without the pages' sources has them built already, or none.
  if (!existsSync(builder)) return;
  const running = run(process.execPath, ['--disable-warning=ExperimentalWarning', builder], {
    timeout: buildMsMax,
    maxBuffer: outputBytesMax,
  });
  const end = () => running.child.kill('SIGTERM');
  process.once('exit', end);
  // It says something only when there is something to do.
  running.child.stderr?.once('data', (text: string | Buffer) => say(`  … ${String(text).trim().split('\n')[0]}`));
  try {
    await running;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`The console's pages could not be built: ${`${stdout}${stderr}`.trim() || message}`);
  } finally {
    process.off('exit', end);
  }
}
