import type { Bus } from '@tollgate/bus';
import { subjects } from '@tollgate/bus';
import { GuardBeat } from '@tollgate/contracts';
import type { FastifyInstance } from 'fastify';
import type { Webhooks } from './webhooks.ts';

/** Three missed beats. */
const silentAfterMs = 3500;
/** A guard announces a new name at each start. */
const guardsMax = 1000;

/** GET /api/status: what the bus and the configuration look like from here; the processes are the launcher's to tell. */
export function statusRoutes(app: FastifyInstance, bus: Bus, webhooks: Pick<Webhooks, 'status'>): void {
  const beats = new Map<string, { beat: GuardBeat; atMs: number }>();
  bus.subscribe(subjects.guardBeat, (bytes) => {
    const beat = GuardBeat.decode(bytes);
    beats.set(beat.replica, { beat, atMs: Date.now() });
    for (const [replica, { atMs }] of beats)
      if (beats.size > guardsMax || Date.now() - atMs > silentAfterMs) beats.delete(replica);
  });

  app.get('/api/status', async () => {
    const snapshot = bus.config.current();
    const alive = [...beats.values()].filter(({ atMs }) => Date.now() - atMs <= silentAfterMs);
    return {
      revision: snapshot?.revision ?? 0,
      appliedAtMs: snapshot?.appliedAtMs,
      organization: snapshot?.organization.name,
      projects: snapshot?.projects.map(({ name, teams, proxies }) => ({
        name,
        teams: teams.map((team) => team.name),
        proxies: proxies.map((proxy) => ({ name: proxy.name, context: proxy.context, isDefault: proxy.isDefault })),
      })),
      warnings: snapshot?.warnings ?? [],
      webhooks: webhooks.status(),
      configurationBehind: bus.config.stale(),
      guards: alive.map(({ beat }) => beat).sort((a, b) => a.replica.localeCompare(b.replica)),
    };
  });
}
