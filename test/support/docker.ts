import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const outputBytesMax = 64 * 1024 * 1024;
/** A build fetches packages. */
const commandMsMax = 15 * 60_000;

/** What a command printed. @throws with all that it said when it fails */
export async function docker(...args: string[]): Promise<string> {
  try {
    const options = { cwd: root, env: cleanEnvironment(), maxBuffer: outputBytesMax, timeout: commandMsMax };
    return (await promisify(execFile)('docker', args, options)).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`docker ${args.join(' ')}: ${`${stdout}${stderr}`.trim() || message}`);
  }
}

/** Compose would prefer a variable of this process to the one of the file that it is given. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TOLLGATE|COMPOSE)_/.test(name)));
}
