import type { ServiceKind } from '../services.ts';

/**
 * Services that may share a process, in the order in which requests flow through them. Not upstream: the providers'
 * credentials and the way out are its own (P7). Not analytics and console: nobody waits for them.
 */
export const mayShare: readonly string[] = [
  'ingress',
  'pipeline',
  'guard-auth',
  'guard-pii',
  'guard-cache',
  'guard-router',
];

/** What TOLLGATE_TOGETHER has to be, for whoever gave something else. */
export const togetherRule = `must be \`all\`, or groups like ingress+pipeline guard-auth+guard-router, each of two services or more and each service once, of ${mayShare.join(', ')}`;

/** Services for one process in the order of requests; undefined where one of them may not share or is named twice. */
export function sharing(names: readonly string[]): string[] | undefined {
  const fits = names.every((name) => mayShare.includes(name)) && new Set(names).size === names.length;
  return fits ? mayShare.filter((name) => names.includes(name)) : undefined;
}

/**
 * Reads TOLLGATE_TOGETHER: `all` puts everything that may share one process into it; else each word is a group, joined
 * by `+`. Undefined for anything else (`togetherRule`).
 */
export function groupsOf(together: string): string[][] | undefined {
  const words = together.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 1 && words[0] === 'all') return [[...mayShare]];
  const groups = words.map((word) => word.split('+'));
  // ingress,pipeline looks like a group and would share nothing.
  if (groups.some(({ length }) => length === 1)) return undefined;
  return sharing(groups.flat()) && groups.map((group) => mayShare.filter((name) => group.includes(name)));
}

/** The services as processes. Those that no group names have one of their own. */
export function processesOf(
  kinds: readonly ServiceKind[],
  groups: readonly (readonly string[])[],
): readonly ServiceKind[] {
  const named = groups.flat();
  const shared = groups.map((group) => groupOf(group.flatMap((wanted) => kinds.filter(({ name }) => name === wanted))));
  return [...shared, ...kinds.filter(({ name }) => !named.includes(name))];
}

function groupOf(members: readonly ServiceKind[]): ServiceKind {
  return {
    name: members.map(({ name }) => name).join('+'),
    scalable: members.every(({ scalable }) => scalable),
    stopGroup: Math.min(...members.map(({ stopGroup }) => stopGroup)),
    uses: [...new Set(members.flatMap(({ uses }) => uses))],
    members,
  };
}
