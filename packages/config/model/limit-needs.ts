import type { ConfigSnapshot } from './snapshot.ts';

const memory = new WeakMap<ConfigSnapshot, boolean>();

/** Whether any limit counts callers' users apart, so that `user` must be told to whoever enforces limits. */
export function limitsNeedUser(snapshot: ConfigSnapshot): boolean {
  let needed = memory.get(snapshot);
  if (needed === undefined) {
    const { limits, projects } = snapshot;
    const all = [
      limits,
      ...projects.flatMap((project) => [project.limits, ...project.teams.map((team) => team.limits)]),
    ];
    needed = all.flat().some(({ per }) => per === 'user');
    memory.set(snapshot, needed);
  }
  return needed;
}
