import type { ConfigSnapshot, Project, Provider, ProxySettings, Team } from './snapshot.ts';

interface Index {
  proxyByContext: Map<string, ProxySettings>;
  proxyById: Map<string, ProxySettings>;
  providerByName: Map<string, Provider>;
  teamById: Map<string, { team: Team; project: Project }>;
  hasRegions: boolean;
}

/** Built once a snapshot, gone with it. */
const indexes = new WeakMap<ConfigSnapshot, Index>();

/** @param context as the path has it, with or without slashes; empty = the default proxy */
export function findProxy(snapshot: ConfigSnapshot, context: string): ProxySettings | undefined {
  return indexOf(snapshot).proxyByContext.get(context.replace(/^\/+|\/+$/g, ''));
}

export function proxyById(snapshot: ConfigSnapshot, id: string): ProxySettings | undefined {
  return indexOf(snapshot).proxyById.get(id);
}

export function providerByName(snapshot: ConfigSnapshot, name: string): Provider | undefined {
  return indexOf(snapshot).providerByName.get(name);
}

/** The team with its project. */
export function teamById(snapshot: ConfigSnapshot, id: string): { team: Team; project: Project } | undefined {
  return indexOf(snapshot).teamById.get(id);
}

/** Whether any team is bound to regions, so that nobody may be routed without its team being known. */
export function hasRegions(snapshot: ConfigSnapshot): boolean {
  return indexOf(snapshot).hasRegions;
}

function indexOf(snapshot: ConfigSnapshot): Index {
  const found = indexes.get(snapshot);
  if (found !== undefined) return found;
  const index: Index = {
    proxyByContext: new Map(),
    proxyById: new Map(),
    providerByName: new Map(snapshot.providers.map((provider) => [provider.name, provider])),
    teamById: new Map(),
    hasRegions: snapshot.projects.some(({ teams }) => teams.some(({ regions }) => regions !== undefined)),
  };
  for (const project of snapshot.projects) {
    for (const team of project.teams) index.teamById.set(team.id, { team, project });
    for (const proxy of project.proxies) {
      index.proxyById.set(proxy.id, proxy);
      index.proxyByContext.set(proxy.context, proxy);
      if (proxy.isDefault) index.proxyByContext.set('', proxy);
    }
  }
  indexes.set(snapshot, index);
  return index;
}
