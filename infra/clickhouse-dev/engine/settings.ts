import { EngineException } from './exception.ts';
import { stringLiteral } from './quote.ts';

/**
 * Bounds of every query unless its caller sets others: this runs on a developer's machine beside everything else, and results are held
 * in memory until they are complete.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  max_execution_time: '300', // seconds
  max_memory_usage: String(2 * 1024 ** 3), // bytes
  max_result_bytes: String(256 * 1024 ** 2), // bytes
};

export interface SettingsInput {
  settings: ReadonlyMap<string, string>;
  /** Values of `{name:Type}`, escaped as the URL's `param_name` has them. */
  parameters: ReadonlyMap<string, string>;
  /** Marks the query, so that KILL QUERY finds it: chDB gives its queries ids of its own. */
  logComment: string;
}

/** One SET for everything: settings, bound parameters, and `readonly` among them (a later SET would be refused by it). */
export function setStatement(input: SettingsInput): string {
  const all = new Map(Object.entries(DEFAULTS));
  for (const [name, value] of input.settings) all.set(checkedName(name), value);
  for (const [name, value] of input.parameters) all.set(`param_${checkedName(name)}`, value);
  all.set('log_comment', input.logComment);
  return `SET ${[...all].map(([name, value]) => `${name} = ${stringLiteral(value)}`).join(', ')}`;
}

function checkedName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_.]{0,127}$/.test(name)) {
    throw EngineException.of('UNKNOWN_SETTING', `Unknown setting '${name.slice(0, 128)}'`);
  }
  return name;
}

/** @throws EngineException when `readonly` is none of 0, 1, 2 */
export function readonlyOf(settings: ReadonlyMap<string, string>): 0 | 1 | 2 {
  const value = settings.get('readonly') ?? '0';
  if (value === '0') return 0;
  if (value === '1') return 1;
  if (value === '2') return 2;
  throw EngineException.of('BAD_REQUEST_PARAMETER', `Setting readonly is 0, 1 or 2, not '${value.slice(0, 20)}'`);
}
