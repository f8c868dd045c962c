import { globSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { root } from '../workspace-list.ts';
import { read } from './page.ts';

/** By variable the default that its schema gives; undefined where it gives none. */
export type Variables = Map<string, unknown>;

interface Schema {
  safeParse(value: unknown): { success: boolean; data?: unknown };
}

const services = globSync('services/*', { cwd: root }).map((folder) => path.basename(folder));

/** Not declared by the services themselves: lifecycle reads them for every one. */
const always = ['healthEnv', 'replicaEnv'];

/** Values for what has no default, so that a schema can be read for its defaults. */
const requiredValues = {
  TOLLGATE_ADMIN_TOKEN: 'a-token-of-many-characters',
  TOLLGATE_REDIS_URL: 'redis://127.0.0.1:1',
  TOLLGATE_CACHE_REDIS_URL: 'redis://127.0.0.1:1',
  TOLLGATE_CLICKHOUSE_URL: 'http://127.0.0.1:1',
  TOLLGATE_RESPONSE_ID_KEY: 'a-secret-of-thirty-two-characters',
};

/** The variables that each service reads: its own, and those of the fragments that it uses. */
export async function serviceVariables(): Promise<Map<string, Variables>> {
  const fragments = (await load('packages/config/index.ts')) as Record<string, Record<string, { variables: object }>>;
  const fragment = (name: string): [string, unknown][] =>
    Object.values(fragments[name] ?? {}).flatMap(({ variables }) =>
      Object.entries(variables as Record<string, Schema>).map(([variable, schema]): [string, unknown] => [
        variable,
        schema.safeParse(undefined).data,
      ]),
    );
  const found = new Map<string, Variables>();
  for (const service of services) {
    const source = read(`services/${service}/config.ts`);
    const used = [...source.matchAll(/\.\.\.(\w+Env)\b/g)].map(([, name = '']) => name);
    const values = await ownValues(service);
    const own = [...declared(source).keys()].map((variable): [string, unknown] => [
      variable,
      variable in requiredValues ? undefined : values[variable],
    ]);
    found.set(service, new Map([...[...always, ...used].flatMap(fragment), ...own]));
  }
  return found;
}

/** What a service reads when only the required variables are set. */
async function ownValues(service: string): Promise<Record<string, unknown>> {
  const { readConfig } = (await load(`services/${service}/config.ts`)) as { readConfig(): Record<string, unknown> };
  const before = process.env;
  process.env = { ...requiredValues };
  try {
    return readConfig();
  } finally {
    process.env = before;
  }
}

/** By path: a check stands outside of what it looks at, and depends on none of it. */
function load(file: string): Promise<unknown> {
  return import(pathToFileURL(path.join(root, file)).href);
}

/** Members of a schema that are named like variables, with the default where it stands on the same line. */
export function declared(source: string): Variables {
  const lines = source.matchAll(/^\s+(TOLLGATE_[A-Z0-9_]+): (?:.*(?:portVariable\(|\.default\(')([^')]+))?/gm);
  return new Map([...lines].map(([, variable = '', value]) => [variable, value]));
}

/** Every variable that any program of the repository reads, by a schema or by itself. */
export function allVariables(): Set<string> {
  const files = globSync('{packages,services,infra,test,apps}/**/*.{ts,tsx,mjs}', {
    cwd: root,
    exclude: (name) => /node_modules|fixtures|[/\\]dist|launcher[/\\]testing/.test(name),
  });
  const found = new Set<string>();
  for (const file of files) {
    const source = read(file);
    if (/(^|[/\\])(config|fragments)\.ts$/.test(file))
      for (const variable of declared(source).keys()) found.add(variable);
    if (file.endsWith('.test.ts') && !file.startsWith('test')) continue;
    for (const [, variable = ''] of source.matchAll(/\b(?:env|environment)\.(TOLLGATE_[A-Z0-9_]+)/g))
      found.add(variable);
  }
  for (const variable of simulatorVariables()) found.add(variable);
  for (const variable of containerVariables().keys()) found.add(variable);
  return found;
}

/** The simulator makes its variables' names from its flags. */
export function simulatorVariables(): string[] {
  const flags = /const FLAGS = \{([\s\S]*?)\} as const/.exec(read('packages/testing/azure/settings.ts'))?.[1] ?? '';
  return [...flags.matchAll(/^\s+'?([a-z-]+)'?: \{/gm)].map(
    ([, flag = '']) => `TOLLGATE_SIM_${flag.toUpperCase().replaceAll('-', '_')}`,
  );
}

/** Variables of the compose files, with their default or undefined for those that must be there. */
export function containerVariables(): Variables {
  const files = ['docker-compose.yml', ...globSync('infra/docker/*.yml', { cwd: root })];
  const found: Variables = new Map();
  for (const [, variable = '', fallback] of files
    .map(read)
    .join('\n')
    .matchAll(/(?<!\$)\$\{(TOLLGATE_[A-Z0-9_]+)(?::-([^}]*))?/g))
    if (fallback !== undefined || !found.has(variable)) found.set(variable, fallback);
  return found;
}
