import type { Bus } from '@tollgate/bus';
import { z } from '@tollgate/config';
import { teamUsage, type UsageSums, usageBreakdown } from '@tollgate/ledger';
import type { FastifyInstance } from 'fastify';
import { whenLeft } from '../adapters/caller.ts';
import type { Ledger } from '../adapters/ledger.ts';
import { parseDuration } from '../domain/duration.ts';
import { findTeam, unknownTeam } from '../domain/team.ts';
import { readInput } from './read-input.ts';

const timeoutMs = 15_000;
/** Gateways' clocks may be a little ahead of ours. */
const aheadMs = 60_000;

const question = z.strictObject({
  team: z.string().min(1).max(128).optional(),
  since: z.string().max(16).default('24h'),
});

/** GET /api/usage?team=&since=: what one team used, by model, or all teams; to the millisecond, as a bill is. */
export function usageRoutes(app: FastifyInstance, bus: Bus, ledger: Ledger): void {
  app.get('/api/usage', async (request, reply) => {
    const { team, since } = readInput(question, request.query);
    const nowMs = Date.now();
    const sinceMs = nowMs - parseDuration(since, 'since');
    const asked = { name: 'usage', timeoutMs, left: whenLeft(reply) } as const;
    if (team === undefined)
      return ledger.ask(asked, async (client, signal) => {
        const range = { fromMs: sinceMs, toMs: nowMs + aheadMs };
        const { total, cells } = await usageBreakdown(client, { range, bucket: 'day', exact: true, nowMs, signal });
        return { sinceMs, untilMs: range.toMs, ...total, teams: byTeam(cells) };
      });
    const snapshot = bus.config.current();
    const known = snapshot && findTeam(snapshot, team);
    const filter = known ? { teamId: known.team.id } : {};
    const used = await ledger.ask(asked, (client, signal) =>
      teamUsage(client, known?.team.name ?? team, sinceMs, { filter, nowMs, signal }),
    );
    // One that was removed may still have rows.
    if (!known && used.requests === 0) unknownTeam(team);
    return { ...used, models: used.models.map(({ group, ...sums }) => ({ model: group, ...sums })) };
  });
}

interface TeamSums extends UsageSums {
  team: string;
  project: string;
}

function byTeam(cells: readonly (TeamSums & { teamId: string; model: string })[]): TeamSums[] {
  const teams = new Map<string, TeamSums>();
  for (const { teamId, model: _, ...cell } of cells) {
    const sums = teams.get(teamId);
    if (!sums) teams.set(teamId, cell);
    else for (const name of Object.keys(cell)) add(sums, cell, name as keyof TeamSums);
  }
  return [...teams.values()];
}

function add(sums: TeamSums, cell: TeamSums, name: keyof TeamSums): void {
  if (name !== 'team' && name !== 'project') sums[name] += cell[name];
}
