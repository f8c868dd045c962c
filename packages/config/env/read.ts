import process from 'node:process';
import { z } from 'zod';
import { type Environment, withDerivedDefaults } from './derived.ts';
import { EnvironmentError } from './fault.ts';

/** Variables that belong together, read into one object. */
export interface VariableGroup<T> {
  readonly variables: z.ZodRawShape;
  readonly read: (values: Readonly<Record<string, unknown>>) => T;
}

export function group<S extends z.ZodRawShape, T>(
  variables: S,
  read: (values: z.output<z.ZodObject<S>>) => T,
): VariableGroup<T> {
  return { variables, read: read as VariableGroup<T>['read'] };
}

/** By variable name a zod schema, by any name a group. */
export type EnvironmentSchema = Readonly<Record<string, z.ZodType | VariableGroup<unknown>>>;

export type EnvironmentOf<S extends EnvironmentSchema> = {
  readonly [K in keyof S]: S[K] extends VariableGroup<infer T> ? T : z.output<S[K]>;
};

/**
 * The only reader of process.env. An empty variable counts as not set, as compose files pass them.
 * @throws EnvironmentError with every fault at once; it never repeats a value.
 */
export function readEnvironment<S extends EnvironmentSchema>(
  schema: S,
  environment: Environment = process.env,
): EnvironmentOf<S> {
  const variables: Record<string, z.ZodType> = {};
  for (const [name, entry] of Object.entries(schema)) {
    if (isGroup(entry)) Object.assign(variables, entry.variables);
    else variables[name] = entry;
  }
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const complete = withDerivedDefaults(given);
  const parsed = z.object(variables).safeParse(complete);
  if (!parsed.success) throw new EnvironmentError(parsed.error.issues.map((issue) => fault(issue, complete)));
  const result: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(schema)) {
    result[name] = isGroup(entry) ? Object.freeze(entry.read(parsed.data)) : parsed.data[name];
  }
  return Object.freeze(result) as EnvironmentOf<S>;
}

function isGroup(entry: z.ZodType | VariableGroup<unknown>): entry is VariableGroup<unknown> {
  return 'variables' in entry;
}

function fault(issue: z.core.$ZodIssue, environment: Environment): string {
  const name = issue.path.join('.');
  const missing = environment[name] === undefined && !issue.message.startsWith('must ');
  return `${name} ${missing ? 'must be set' : issue.message}`;
}
