import type { ServiceKind } from '../services.ts';

/**
 * Services that may share a process, in the order in which requests flow through them. Not upstream: the providers'
 * credentials and the way out are its own (P7). Not analytics and console: nobody waits for them.
 */
const mayShare = ['ingress', 'pipeline', 'guard-auth', 'guard-pii', 'guard-cache', 'guard-router'];

const wayOut = `TOLLGATE_TOGETHER must be \`all\`, or groups like ingress+pipeline guard-auth+guard-router, each service once, of ${mayShare.join(', ')}`;

/**
 * The services as processes: `all` puts everything that may share one process into it; else each word is a group, joined
 * by `+`. Services that are not named have a process of their own.
 *
 * @throws Error for anything else, with what is possible
 */
export function processesOf(kinds: readonly ServiceKind[], together: string | undefined): readonly ServiceKind[] {
  const words =
    together === 'all' ? [mayShare.join('+')] : (together ?? '').split(/[\s,]+/).filter((word) => word !== '');
  const groups = words.map((word) => word.split('+'));
  const named = groups.flat();
  if (named.some((name) => !mayShare.includes(name)) || new Set(named).size < named.length) throw new Error(wayOut);
  const alone = kinds.filter(({ name }) => !named.includes(name));
  const shared = groups.map((group) =>
    groupOf(mayShare.flatMap((name) => (group.includes(name) ? kindOf(kinds, name) : []))),
  );
  return [...shared, ...alone];
}

function groupOf(members: readonly ServiceKind[]): ServiceKind {
  const [first] = members;
  if (first && members.length === 1) return first;
  return {
    name: members.map(({ name }) => name).join('+'),
    scalable: members.every(({ scalable }) => scalable),
    stopGroup: Math.min(...members.map(({ stopGroup }) => stopGroup)),
    uses: [...new Set(members.flatMap(({ uses }) => uses))],
    members,
  };
}

function kindOf(kinds: readonly ServiceKind[], wanted: string): ServiceKind[] {
  return kinds.filter(({ name }) => name === wanted);
}
