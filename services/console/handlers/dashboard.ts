import type { Bus } from '@tollgate/bus';
import { z } from '@tollgate/config';
import { usageBreakdown } from '@tollgate/ledger';
import type { FastifyInstance } from 'fastify';
import { whenLeft } from '../adapters/caller.ts';
import type { Ledger } from '../adapters/ledger.ts';
import { toDashboard } from '../domain/dashboard.ts';
import { findTeam } from '../domain/team.ts';
import { readRange } from '../domain/time-range.ts';
import { readInput } from './read-input.ts';

const timeoutMs = 10_000;
const time = z.string().max(32).optional();
const name = z.string().min(1).max(256).optional();

const question = z.strictObject({ last: time, from: time, to: time, team: name, model: name });

/**
 * GET /api/dashboard?last=|from=&to=&team=&model=: totals, teams by models, and both over time. Pages that are looked at
 * ask again every few seconds.
 */
export function dashboardRoutes(app: FastifyInstance, bus: Bus, ledger: Ledger): void {
  app.get('/api/dashboard', async (request, reply) => {
    const { team, model, ...asked } = readInput(question, request.query);
    const nowMs = Date.now();
    const range = readRange(asked, nowMs);
    const snapshot = bus.config.current();
    // One that was removed may still have rows under its id.
    const teamId = team === undefined ? undefined : ((snapshot && findTeam(snapshot, team))?.team.id ?? team);
    const left = whenLeft(reply);
    const usage = await ledger.ask({ name: 'dashboard', timeoutMs, left }, (client, signal) =>
      usageBreakdown(client, { range, filter: { teamId, model }, nowMs, signal }),
    );
    return { organization: snapshot?.organization.name ?? '', nowMs, ...toDashboard(usage, snapshot) };
  });
}
