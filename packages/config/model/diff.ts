import type { ConfigSnapshot, Limit } from './snapshot.ts';

export interface ConfigChange {
  kind: 'added' | 'removed' | 'changed';
  /** Parts with a name are called by it: `projects.sample-project.teams.engineering.limits.tokens-1d.amount`. */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** What differs each time and means nothing, or follows from something else that is listed. */
const IGNORED = new Set(['revision', 'appliedAtMs', 'priceListVersion']);

/** What applying `after` over `before` would change, in the file's order; before undefined = nothing was there. */
export function diffConfig(before: ConfigSnapshot | undefined, after: ConfigSnapshot): ConfigChange[] {
  const changes: ConfigChange[] = [];
  compare(withoutIgnored(before), withoutIgnored(after), [], changes);
  return changes;
}

function withoutIgnored(snapshot: ConfigSnapshot | undefined): unknown {
  return Object.fromEntries(Object.entries(snapshot ?? {}).filter(([name]) => !IGNORED.has(name)));
}

function compare(before: unknown, after: unknown, path: readonly string[], changes: ConfigChange[]): void {
  const from = members(before);
  const to = members(after);
  if (from === undefined || to === undefined) {
    if (JSON.stringify(before) !== JSON.stringify(after)) changes.push(change(before, after, path));
    return;
  }
  for (const name of new Set([...from.keys(), ...to.keys()])) {
    const inner = [...path, name];
    if (from.has(name) && to.has(name)) compare(from.get(name), to.get(name), inner, changes);
    else changes.push(change(from.get(name), to.get(name), inner));
  }
  if (reordered(before, after, from, to)) {
    changes.push({
      kind: 'changed',
      path: `${path.join('.')} (order)`,
      before: [...from.keys()],
      after: [...to.keys()],
    });
  }
}

function change(before: unknown, after: unknown, path: readonly string[]): ConfigChange {
  const text = path.join('.');
  if (before === undefined) return { kind: 'added', path: text, after };
  if (after === undefined) return { kind: 'removed', path: text, before };
  return { kind: 'changed', path: text, before, after };
}

/** Parts by name; undefined for what has none. */
function members(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, at) => [nameOf(item) ?? String(at), item])
    : Object.entries(value);
  return new Map(entries.filter(([, part]) => part !== undefined));
}

/** By what people call it, so that an addition in front does not look like a change of everything behind. */
function nameOf(item: unknown): string | undefined {
  if (typeof item === 'string') return item;
  if (typeof item !== 'object' || item === null) return undefined;
  if ('quantity' in item) return nameOfLimit(item as Limit);
  const { name, kind, model, provider } = item as Record<string, string | undefined>;
  if (model !== undefined) return `${model}@${provider}`;
  return name ?? kind;
}

/** What tells a limit from the others of its scope. */
function nameOfLimit({ quantity, window, rolling, burst, models, keys, per, mode }: Limit): string {
  const kind = rolling ? 'rolling' : burst === undefined ? '' : 'rate';
  return [quantity, kind, window, models?.join('+'), keys?.join('+'), per, mode === 'hard' ? '' : mode]
    .filter(Boolean)
    .join('-');
}

/** The order of a list means something (guardrails, rotations), that of an object does not. */
function reordered(before: unknown, after: unknown, from: Map<string, unknown>, to: Map<string, unknown>): boolean {
  if (!Array.isArray(before) || !Array.isArray(after)) return false;
  const kept = (names: Iterable<string>, other: Map<string, unknown>) => [...names].filter((name) => other.has(name));
  return kept(from.keys(), to).join('\n') !== kept(to.keys(), from).join('\n');
}
