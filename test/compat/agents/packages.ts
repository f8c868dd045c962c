import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@tollgate/engines';

/** An agent as npm has it: a program for one platform. */
interface AgentPackage {
  name: string;
  version: string;
  /** Of the package's archive, as the registry published it. */
  integrity: string;
  /** Its program, below the package's folder. */
  program: string;
}

const platform = 'linux-x64';

export const claudeCode: AgentPackage = {
  name: '@anthropic-ai/claude-code-linux-x64',
  version: '2.1.332',
  integrity: 'sha512-f4JWhzwYutJIHScC7/dYOPX6s28tt7ZADhsOi8zwOHq5fFPEuUeChh2NMfinSg0GrUckYxaeebC4h0DqiKzLcw==',
  program: 'claude',
};

/** The launcher, `@openai/codex` 0.171.0, names this version of itself for the platform. */
export const codex: AgentPackage = {
  name: '@openai/codex',
  version: '0.171.0-linux-x64',
  integrity: 'sha512-l66NZkQgdk2C3pbcfULDz42yEUB581MVA6I+Y43Wp4OIqEy73HCdmZ0GTjeAHY2ycuH4N00d9VsLrwT1jxshTw==',
  program: 'vendor/x86_64-unknown-linux-musl/bin/codex',
};

/** Where an agent's program is, or why it is not here. */
export type Installed = { program: string } | { missing: string };

/**
 * The program of an agent, fetched with npm the first time (some 180 MB) and kept in the cache folder. No script of the package
 * is run.
 * @throws Error when what npm brought is not what was published under this version
 */
export async function installed({ name, version, integrity, program }: AgentPackage): Promise<Installed> {
  const here = `${process.platform}-${process.arch}`;
  if (here !== platform) return { missing: `${name} ${version} is for ${platform}, not ${here}` };
  const folder = path.join(cacheFolder(), 'agents', `${name.replaceAll(/[@/]+/g, '-').slice(1)}-${version}`);
  const complete = path.join(folder, 'complete');
  const found = path.join(folder, 'node_modules', name, program);
  if (existsSync(complete)) return { program: found };
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{"private":true}\n');
  const options = ['--ignore-scripts', '--save-exact', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', ['install', '--prefix', folder, ...options, `${name}@${version}`], {
      cwd: folder,
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return { missing: `npm cannot fetch ${name} ${version}: ${String(error).slice(0, 500)}` };
  }
  const lock = JSON.parse(await readFile(path.join(folder, 'package-lock.json'), 'utf8'));
  const fetched: unknown = lock.packages[`node_modules/${name}`]?.integrity;
  if (fetched !== integrity) throw new Error(`${name} ${version} has the checksum ${fetched}, not ${integrity}`);
  await writeFile(complete, '');
  return { program: found };
}
