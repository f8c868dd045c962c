import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RedisConnection } from '@tollgate/redis';

/** What one file may send to the budget Redis. */
export interface SentByFile {
  file: string;
  /** Upper case; a command of another one as `CLUSTER|SLOTS`. */
  commands: Set<string>;
  /** All upper-case words of the file: options of its commands are among them. */
  words: Set<string>;
}

const root = path.resolve(import.meta.dirname, '../../..');
/** All that talks to the budget Redis: this service, guard-router, and what both connect with. */
const senders = [
  'services/guard-auth/**/*.{ts,lua}',
  'services/guard-router/**/*.{ts,lua}',
  'packages/redis/*.{ts,lua}',
] as const;
const notSent = /\.test\.ts$|\/testing\/|node_modules/;
/** Of ioredis, but no commands. */
const ofClient = new Set(['on', 'disconnect', 'call', 'callBuffer']);

/** Every file that names a command, in scripts and in TypeScript. @throws Error where a name is not a literal */
export function sentCommands(): SentByFile[] {
  const files = senders.flatMap((pattern) => globSync(pattern, { cwd: root })).filter((file) => !notSent.test(file));
  return files
    .map((file) => sentBy(file, readFileSync(path.join(root, file), 'utf8')))
    .filter(({ commands }) => commands.size > 0);
}

/** @throws Error where a name is not a literal */
export function sentBy(file: string, text: string): SentByFile {
  const commands = new Set<string>();
  const isScript = file.endsWith('.lua');
  const calls = isScript
    ? text.matchAll(/redis\.p?call\((?:'(\w+)')?/g)
    : text.matchAll(
        /\.(?:command|commandBinary|call|callBuffer)\(\s*(?:'([A-Z]+)'(?:,\s*'([A-Z]+)')?|(?=name\b|`|"))/g,
      );
  for (const [call, name, second] of calls) {
    // The connection hands on what it is called with.
    if (!name && !isScript && file.startsWith('packages/redis/')) continue;
    if (!name) throw new Error(`${file}: ${call} without a literal name`);
    commands.add((second ? `${name}|${second}` : name).toUpperCase());
  }
  if (file.startsWith('packages/redis/'))
    for (const [, method = ''] of text.matchAll(/\.#redis\.(\w+)\(/g))
      if (!ofClient.has(method)) commands.add(method.toUpperCase());
  return { file, commands, words: new Set([...text.matchAll(/'([A-Z]{2,})'/g)].map(([, word = '']) => word)) };
}

/** Parts of Redis that are younger than `7.2`, by the server's own table: commands, and those options that the words name. */
export async function youngerThan72(redis: RedisConnection, commands: Iterable<string>, words: Set<string>) {
  const young: string[] = [];
  for (const command of commands) {
    const [container = '', sub] = command.split('|');
    let docs = await docsOf(redis, container);
    if (sub) docs = subDocs(docs, command) ?? docs;
    note(young, command, String(docs.get('since') ?? '99'));
    for (const [option, since] of optionsOf(docs.get('arguments')))
      if (words.has(option)) note(young, `${command} ${option}`, since);
  }
  return young;
}

function note(young: string[], what: string, since: string): void {
  const [major = 99, minor = 0] = since.split('.').map(Number);
  if (major > 7 || (major === 7 && minor > 2)) young.push(`${what} since ${since}`);
}

type Docs = Map<string, unknown>;

/** The server answers with names and values in turns. */
function docsFrom(pairs: unknown): Docs {
  const list = Array.isArray(pairs) ? pairs : [];
  return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[String(name), list[at + 1]] as const] : [])));
}

async function docsOf(redis: RedisConnection, command: string): Promise<Docs> {
  const [, docs] = (await redis.command('COMMAND', 'DOCS', command)) as [string, unknown];
  return docsFrom(docs);
}

function subDocs(docs: Docs, command: string): Docs | undefined {
  const found = docsFrom(docs.get('subcommands')).get(command.toLowerCase());
  return found === undefined ? undefined : docsFrom(found);
}

/** Each option with what it needs: its own version, or that of what it is part of. */
function optionsOf(args: unknown, inherited = '1.0.0'): [option: string, since: string][] {
  return (Array.isArray(args) ? args : []).flatMap((each) => {
    const docs = docsFrom(each);
    const since = String(docs.get('since') ?? inherited);
    const own = docs.get('token');
    const parts = optionsOf(docs.get('arguments'), since);
    return own === undefined ? parts : [[String(own), since] as [string, string], ...parts];
  });
}
