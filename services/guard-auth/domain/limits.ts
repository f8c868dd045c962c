import { createHash } from 'node:crypto';
import { type ConfigSnapshot, type Limit, type Project, type Team, teamById } from '@tollgate/config';
import { windowNameOf } from './limit-windows.ts';
import { slugOf } from './quantity.ts';

type Scope = 'organization' | 'project' | 'team';

/** A limit with whom it binds. */
export interface ScopedLimit {
  scope: Scope;
  scopeId: string;
  /** For people. */
  scopeName: string;
  limit: Limit;
  /** Tells its counter from others of the same scope, quantity and window; empty for the plain one. */
  selector: string;
}

/** Whether a limit binds a request that one of these models may serve. */
export function bindsModels({ limit }: ScopedLimit, models: readonly string[]): boolean {
  return limit.models === undefined || limit.models.some((model) => models.includes(model));
}

/** Whether a limit binds requests with a key of this name. */
export function bindsKey({ limit }: ScopedLimit, keyName: string): boolean {
  return limit.keys === undefined || limit.keys.includes(keyName);
}

/** What a limit is called in headers, the ledger and metrics: `team-tokens-1d`, `key-tokens-1d`. */
export function nameOfLimit({ scope, limit }: ScopedLimit): string {
  return [limit.keys ? 'key' : scope, limit.per, slugOf(limit.quantity), windowNameOf(limit)].filter(Boolean).join('-');
}

/** Whether callers are told of it: what a project or an organization has left would tell what other teams use. */
export function isOwn({ scope }: ScopedLimit): boolean {
  return scope === 'team';
}

const memory = new WeakMap<ConfigSnapshot, Map<string, ScopedLimit[]>>();

/** All limits that bind a team's requests, the team's own first. */
export function limitsOf(snapshot: ConfigSnapshot, teamId: string): ScopedLimit[] {
  let byTeam = memory.get(snapshot);
  if (!byTeam) {
    byTeam = new Map();
    memory.set(snapshot, byTeam);
  }
  let limits = byTeam.get(teamId);
  if (!limits) {
    const owner = teamById(snapshot, teamId);
    limits = owner ? collect(snapshot, owner.team, owner.project) : [];
    byTeam.set(teamId, limits);
  }
  return limits;
}

/** Every limit of a configuration: what a rebuild asks the ledger for. */
export function allLimits(snapshot: ConfigSnapshot): ScopedLimit[] {
  const { organization, projects } = snapshot;
  return [
    ...scoped('organization', organization, snapshot.limits),
    ...projects.flatMap((project) => [
      ...scoped('project', project, project.limits),
      ...project.teams.flatMap((team) => scoped('team', team, team.limits)),
    ]),
  ];
}

function collect(snapshot: ConfigSnapshot, team: Team, project: Project): ScopedLimit[] {
  return [
    ...scoped('team', team, team.limits),
    ...scoped('project', project, project.limits),
    ...scoped('organization', snapshot.organization, snapshot.limits),
  ];
}

function scoped(scope: Scope, owner: { id: string; name: string }, limits: Limit[]): ScopedLimit[] {
  return limits.map((limit) => ({
    ...{
      scope,
      scopeId: owner.id,
      scopeName: limit.keys ? `${owner.name} (key ${limit.keys.join(', ')})` : owner.name,
      limit,
    },
    selector: selectorOf(limit),
  }));
}

function selectorOf({ models, keys, per, burst, mode }: Limit): string {
  const parts: string[] = [];
  // Rates share nothing: what one of them lets pass uncounted may count for another.
  if (burst !== undefined) parts.push(mode === 'hard' ? 'rate' : `rate-${mode}`);
  if (models !== undefined) parts.push(`m-${digest(models.join('\n')).slice(0, 12)}`);
  if (keys !== undefined) parts.push(`k-${digest(keys.join('\n')).slice(0, 12)}`);
  if (per !== undefined) parts.push(`p-${per}`);
  return parts.join('.');
}

/** Whom a request comes from, for limits that count each apart. */
export interface Caller {
  keyId: string;
  /** The body's `user`; empty = none. */
  user: string;
  metadata: Readonly<Record<string, string>>;
}

/** A caller's value as counters call it: a digest, for values are of any length and may be personal. Empty = none. */
export function callerValue(per: string, { keyId, user, metadata }: Caller): string {
  const name = per.slice(METADATA.length);
  const raw =
    per === 'key' ? keyId : per === 'user' ? user : Object.hasOwn(metadata, name) ? (metadata[name] ?? '') : '';
  return raw === '' ? '' : digest(raw).slice(0, 16);
}

const METADATA = 'metadata.';

/** 96 bits of it are a value: nobody finds two that share a counter. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
