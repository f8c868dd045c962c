import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

// As docs/calling.md tells users to: its lines are what is run here.

const page = path.resolve(import.meta.dirname, '../../../docs/calling.md');
const inPage = 'http://127.0.0.1:8080';
/** An agent that asks again and again must not keep the tests. */
const runMsMax = 120_000;

export interface Place {
  /** The gateway, with a proxy's context or without. */
  url: string;
  apiKey: string;
  model: string;
}

export interface Said {
  /** What the program ended with; null: it was ended after two minutes. */
  code: number | null;
  /** All that it printed, errors last. */
  text: string;
}

/** Asks Claude Code one thing, in a home and a folder of its own. @param more further arguments */
export async function askClaudeCode(program: string, place: Place, prompt: string, ...more: string[]): Promise<Said> {
  const lines = [...(await block('sh')).matchAll(/^export (\w+)=("[^"]*"|\S+)/gm)];
  const env = Object.fromEntries(
    lines.map(([, name = '', value = '']) => [name, value.replace(inPage, place.url).replace(/^".*"$/, place.apiKey)]),
  );
  const options = ['--model', place.model, '--max-turns', '3', ...more];
  return run(program, ['-p', prompt, ...options], async () => ({ ...env, DISABLE_AUTOUPDATER: '1' }));
}

/** Asks Codex one thing, in a home and a folder of its own. @param settings lines of config.toml, for the page's provider */
export async function askCodex(
  program: string,
  place: Place,
  prompt: string,
  { settings = '', more = [] }: { settings?: string; more?: readonly string[] } = {},
): Promise<Said> {
  const config = (await block('toml')).replace(inPage, place.url).replace(/^model = .*$/m, `model = "${place.model}"`);
  const options = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', ...more];
  return run(program, ['exec', ...options, prompt], async (home) => {
    await writeFile(path.join(home, 'config.toml'), `${config}${settings}\n`);
    return { CODEX_HOME: home, TOLLGATE_API_KEY: place.apiKey };
  });
}

/** The page's one block in a language, below its heading on agents. */
async function block(language: 'sh' | 'toml'): Promise<string> {
  const [, agents = ''] = (await readFile(page, 'utf8')).split('## Coding agents');
  const [, found] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(agents) ?? [];
  if (found === undefined) throw new Error(`${page} has no ${language} for agents`);
  return found;
}

type Environment = Record<string, string>;

async function run(program: string, args: string[], prepare: (home: string) => Promise<Environment>): Promise<Said> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-agent-'));
  try {
    const [home, cwd] = [path.join(folder, 'home'), path.join(folder, 'work')];
    await Promise.all([mkdir(home), mkdir(cwd)]);
    // No variable of this process: what points to a provider or holds a key must not reach the agent.
    const env = { PATH: process.env.PATH, HOME: home, ...(await prepare(home)) };
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: runMsMax });
    const [out, err] = [textOf(child.stdout), textOf(child.stderr)];
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, text: (await out) + (await err) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}
