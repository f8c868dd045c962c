import type { z } from 'zod';
import { type ConfigFile, configFileSchema } from './config-file.ts';
import { type Fault, faultsError, type Path } from './fault.ts';
import { mergePriceLists, type PriceList, priceFileSchema } from './price-list.ts';
import { readYaml } from './yaml.ts';

/** A configuration file whose every setting is known and in its bounds; what they refer to is not checked yet. */
export interface ParsedConfig {
  readonly file: ConfigFile;
  /** Of the file that `priceList.file` names and of the configuration itself, whose prices win. */
  readonly prices: PriceList;
  /** For messages; from 1. */
  lineOf(path: Path): number | undefined;
}

type Issue = z.core.$ZodIssue;

/**
 * @param files texts of the files that it names (`referredFiles`), by the names that it gives them
 * @throws TollgateError `invalid_request` that names every fault with its path and line, never a value of it
 */
export function parseConfigFile(yamlText: string, files: Readonly<Record<string, string>> = {}): ParsedConfig {
  const { data, lineOf } = readYaml(yamlText);
  const { name, text } = priceFileOf(data, files);
  const listed = text === undefined ? undefined : readYaml(text, name);
  const parsed = configFileSchema.safeParse(data);
  const prices = priceFileSchema.safeParse(listed === undefined ? {} : listed.data);
  const faults = [
    ...faultsOf(parsed.error, data),
    ...faultsOf(prices.error, listed?.data).map((fault) => ({ ...fault, file: name })),
    ...(name !== undefined && text === undefined ? [notSent] : []),
  ];
  if (!parsed.success || !prices.success || faults.length > 0) {
    throw faultsError(faults, ({ path, file }) => (file === undefined ? lineOf(path) : listed?.lineOf(path)));
  }
  return { file: parsed.data, prices: mergePriceLists(prices.data, parsed.data.priceList), lineOf };
}

/**
 * Names of the files whose texts a configuration needs beside its own, as it writes them: relative to where it stands.
 * None for a text that is no configuration, since parsing it says what is wrong.
 */
export function referredFiles(yamlText: string): string[] {
  try {
    const { name } = priceFileOf(readYaml(yamlText).data, {});
    return name === undefined ? [] : [name];
  } catch {
    return [];
  }
}

/** Whoever applies a configuration reads its files: the console has no business in anybody's file system. */
const notSent: Fault = {
  path: ['priceList', 'file'],
  message: 'names a file whose text was not sent along: `npx tollgate apply -f` reads and sends it',
};

function priceFileOf(data: unknown, files: Readonly<Record<string, string>>): { name?: string; text?: string } {
  const name = valueAt(data, ['priceList', 'file']);
  if (typeof name !== 'string' || name === '') return {};
  return { name, text: Object.hasOwn(files, name) ? files[name] : undefined };
}

function faultsOf(error: z.ZodError | undefined, data: unknown): Fault[] {
  return withoutConsequences(error?.issues ?? []).flatMap((issue) => toFaults(issue, [], data));
}

/** What a group as a whole is said to lack is worth a line only where its parts are right. */
function withoutConsequences(issues: readonly Issue[]): Issue[] {
  const inside = (issue: Issue, group: Issue) => group.path.every((part, at) => issue.path[at] === part);
  return issues.filter(
    (issue) => issue.code !== 'custom' || !issues.some((other) => other.code !== 'custom' && inside(other, issue)),
  );
}

function toFaults(issue: Issue, around: Path, data: unknown): Fault[] {
  const path = [...around, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: issue.message }));
  }
  if (issue.code === 'invalid_union') {
    // The alternative of the right type says what is wrong inside; where there is none, the union's own text does.
    const inside = issue.errors.find((issues) =>
      issues.some((inner) => inner.code !== 'invalid_type' || inner.path.length > 0),
    );
    if (inside !== undefined) return inside.flatMap((inner) => toFaults(inner, path, data));
  }
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues[0]?.message ?? issue.message }];
  const missing = issue.code !== 'custom' && valueAt(data, path) === undefined;
  return [{ path, message: missing ? `is missing${hint(issue.message)}` : plain(issue) }];
}

/** Our own texts say what it must be; zod's say it in terms of types. */
function hint(message: string): string {
  return message.startsWith('must ') ? `: ${message}` : '';
}

function plain(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    return `must be ${EXPECTED[issue.expected] ?? issue.expected}`;
  }
  return issue.message;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  object: 'a group of settings',
  record: 'a group of settings',
  array: 'a list',
};

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) value = (value as Record<string | number, unknown> | null | undefined)?.[part];
  return value;
}
