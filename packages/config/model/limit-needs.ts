import type { ConfigSnapshot, Limit } from './snapshot.ts';

interface Needs {
  user: boolean;
  bound: boolean;
}

const memory = new WeakMap<ConfigSnapshot, Needs>();

/** Whether any limit counts callers' users apart, so that `user` must be told to whoever enforces limits. */
export function limitsNeedUser(snapshot: ConfigSnapshot): boolean {
  return needsOf(snapshot).user;
}

/** Whether any limit is strict, so that whoever enforces limits must be told what bounds a request's input. */
export function limitsNeedBound(snapshot: ConfigSnapshot): boolean {
  return needsOf(snapshot).bound;
}

function needsOf(snapshot: ConfigSnapshot): Needs {
  let needs = memory.get(snapshot);
  if (needs === undefined) {
    const limits = limitsOf(snapshot);
    needs = {
      user: limits.some(({ per }) => per === 'user'),
      bound: limits.some(({ mode }) => mode === 'strict'),
    };
    memory.set(snapshot, needs);
  }
  return needs;
}

function limitsOf({ limits, projects }: ConfigSnapshot): Limit[] {
  return [
    limits,
    ...projects.flatMap((project) => [project.limits, ...project.teams.map((team) => team.limits)]),
  ].flat();
}
