import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Distribution } from './distribution.ts';

const run = promisify(execFile);
const timeoutMs = 10 * 60 * 1000;
const outputBytesMax = 64_000_000;

export type Apt = (program: 'apt-get' | 'apt-cache', args: readonly string[]) => Promise<string>;

/** Runs a program of the package system; its output is shown only when it fails. */
export async function runQuietly(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env: NodeJS.ProcessEnv },
): Promise<string> {
  const running = run(program, [...args], { ...options, timeout: timeoutMs, maxBuffer: outputBytesMax });
  const end = () => running.child.kill('SIGTERM');
  process.once('exit', end);
  try {
    return (await running).stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed: ${(stderr || message).trim()}`);
  } finally {
    process.off('exit', end);
  }
}

/**
 * apt with lists, cache and sources of its own in `folder`, for any user: nothing of the system is read but its
 * settings for downloads (proxies), nothing is written outside. Signatures are checked with the distribution's keyring.
 */
export async function privateApt(
  folder: string,
  source: { mirror: string; suite: string; distribution: Distribution },
  env: NodeJS.ProcessEnv,
): Promise<Apt> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'x'])
    mkdirSync(path.join(folder, name), { recursive: true });
  writeFileSync(path.join(folder, 'status'), '');
  const { mirror, suite, distribution } = source;
  writeFileSync(
    path.join(folder, 'sources.list'),
    `deb [signed-by=${distribution.keyring}] ${mirror} ${suite} ${distribution.component}\n`,
  );
  const settings = await runQuietly('apt-config', ['dump'], { env });
  const file = path.join(folder, 'apt.conf');
  writeFileSync(file, `${downloadSettings(settings)}\n${ownSettings(folder)}\n`);
  const aptEnv = { ...lowerCaseProxies(env), APT_CONFIG: file, LC_ALL: 'C' };
  return (program, args) => runQuietly(program, args, { cwd: folder, env: aptEnv });
}

/** What the system says about proxies, time-outs and certificates. Its hooks and pins stay out. */
export function downloadSettings(dumped: string): string {
  return dumped
    .split('\n')
    .filter((line) => /^Acquire::(https?|ftp|Retries|ForceIPv[46]|socks|tor|mirror)(::|\s)/i.test(line))
    .join('\n');
}

function ownSettings(folder: string): string {
  return `
Dir::Etc::SourceList "${folder}/sources.list";
Dir::Etc::SourceParts "-";
Dir::Etc::Main "-";
Dir::Etc::Parts "-";
Dir::Etc::Preferences "-";
Dir::Etc::PreferencesParts "-";
Dir::State::Lists "${folder}/lists";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Sandbox::User "";
`;
}

// apt reads the lower-case names only.
function lowerCaseProxies(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const result = { ...env };
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    const value = env[name];
    if (value) result[name.toLowerCase()] ??= value;
  }
  return result;
}
