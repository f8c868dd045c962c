import type { Bus } from '@tollgate/bus';
import { type KeyRecord, keyNameSchema, z } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';
import type { FastifyInstance } from 'fastify';
import { describeKey, type KeyOwner, mintKey, type NewKey, stateOf } from '../domain/api-key.ts';
import { parseDuration } from '../domain/duration.ts';
import { findTeam, unknownTeam } from '../domain/team.ts';
import { readInput } from './read-input.ts';

const names = z.array(z.string().min(1).max(128)).max(100).optional();

const createBody = z.strictObject({
  team: z.string().min(1).max(128),
  name: keyNameSchema,
  /** `proxy` may be given instead of a list of one. */
  proxy: z.string().min(1).max(128).optional(),
  proxies: names,
  models: names,
  expires: z.string().max(16).optional(),
});

const rotateBody = z.strictObject({
  /** How long the old key goes on working beside the new one. */
  overlap: z.string().max(16).default('24h'),
});

/** GET, POST /api/keys; POST /api/keys/:id/rotate; DELETE /api/keys/:id. */
export function keyRoutes(app: FastifyInstance, bus: Bus): void {
  app.get('/api/keys', async () => ({ keys: bus.config.apiKeys().map((record) => describeKey(record, Date.now())) }));

  app.post('/api/keys', async (request) => {
    const {
      team,
      name,
      proxy,
      proxies = proxy === undefined ? undefined : [proxy],
      models,
      expires,
    } = readInput(createBody, request.body);
    const now = Date.now();
    const expiresAtMs = expires === undefined ? undefined : now + parseDuration(expires, 'expires');
    const settings = { name, proxies: proxies && proxyIds(bus, proxies), models, expiresAtMs };
    return created(bus, mintKey(ownerOf(bus, team), settings, now));
  });

  app.post<{ Params: { id: string } }>('/api/keys/:id/rotate', async (request) => {
    const { overlap } = readInput(rotateBody, request.body ?? {});
    const old = find(bus, request.params.id);
    const now = Date.now();
    const state = stateOf(old, now);
    if (state !== 'active')
      throw new TollgateError('invalid_request', {
        message: `A key that is ${state} cannot be rotated; create a new one.`,
      });
    if (old.rotatedToId !== undefined)
      throw new TollgateError('invalid_request', {
        message: `This key was rotated before; rotate ${old.rotatedToId}.`,
      });
    const { name, proxies, models, expiresAtMs } = old;
    const made = mintKey(old, { name, proxies, models, expiresAtMs }, now);
    const oldEndsAtMs = Math.min(expiresAtMs ?? Number.MAX_SAFE_INTEGER, now + parseDuration(overlap, 'overlap'));
    const answer = await created(bus, made);
    await bus.configStore.putKey({ ...old, expiresAtMs: oldEndsAtMs, rotatedToId: made.record.id });
    return { ...answer, oldKeyEndsAtMs: oldEndsAtMs };
  });

  app.delete<{ Params: { id: string } }>('/api/keys/:id', async (request) => {
    const record = find(bus, request.params.id);
    const revoked = { ...record, revokedAtMs: record.revokedAtMs ?? Date.now() };
    await bus.configStore.putKey(revoked);
    return describeKey(revoked, Date.now());
  });
}

async function created(bus: Bus, { key, record }: NewKey) {
  await bus.configStore.putKey(record);
  return {
    id: record.id,
    name: record.name,
    key,
    team: record.team,
    project: record.project,
    expiresAtMs: record.expiresAtMs,
  };
}

function find(bus: Bus, id: string): KeyRecord {
  const record = bus.config.apiKeys().find((candidate) => candidate.id === id);
  if (record) return record;
  throw new TollgateError('not_found', { message: 'There is no API key with this id.' });
}

function ownerOf(bus: Bus, wanted: string): KeyOwner {
  const snapshot = current(bus);
  const { project, team } = findTeam(snapshot, wanted) ?? unknownTeam(wanted);
  return {
    organizationId: snapshot.organization.id,
    projectId: project.id,
    project: project.name,
    teamId: team.id,
    team: team.name,
  };
}

function proxyIds(bus: Bus, wanted: string[]): string[] {
  const all = current(bus).projects.flatMap(({ proxies }) => proxies);
  return wanted.map((name) => {
    const proxy = all.find((candidate) => candidate.name === name || candidate.id === name);
    if (proxy) return proxy.id;
    throw new TollgateError('invalid_request', {
      message: `There is no proxy "${name}" in the configuration.`,
      param: 'proxies',
    });
  });
}

function current(bus: Bus) {
  const snapshot = bus.config.current();
  if (snapshot) return snapshot;
  throw new TollgateError('invalid_request', {
    message: 'No configuration has been applied yet: run `tollgate apply` first.',
  });
}
