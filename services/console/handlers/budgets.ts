import { type Bus, subjects } from '@tollgate/bus';
import { z } from '@tollgate/config';
import { type BudgetCounter, BudgetCountersReply, BudgetCountersRequest, encode } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { FastifyInstance } from 'fastify';
import { toBudgets } from '../domain/budgets.ts';
import { findTeam, unknownTeam } from '../domain/team.ts';
import { readInput } from './read-input.ts';

/** Of one page of counters: guard-auth reads Redis once for it. */
const answerMs = 5000;

const question = z.strictObject({ team: z.string().min(1).max(128).optional() });

/** GET /api/budgets?team=: what every limit has spent and reserved now, from the counters that admissions are decided on. */
export function budgetRoutes(app: FastifyInstance, bus: Bus): void {
  app.get('/api/budgets', async (request) => {
    const { team } = readInput(question, request.query);
    const snapshot = bus.config.current();
    const known = snapshot && team !== undefined ? findTeam(snapshot, team) : undefined;
    if (team !== undefined && !known) unknownTeam(team);
    if (!snapshot) return { budgets: [] };
    return { budgets: toBudgets(await readCounters(bus), snapshot, known?.team.id) };
  });
}

async function readCounters(bus: Bus): Promise<BudgetCounter[]> {
  const all: BudgetCounter[] = [];
  for (;;) {
    const asked = encode(BudgetCountersRequest, { skip: all.length });
    const { counters, total, error } = BudgetCountersReply.decode(
      await bus.request(subjects.budgetCounters, asked, answerMs),
    );
    if (error !== '') throw new TollgateError('store_unavailable', { message: `The budgets cannot be read: ${error}` });
    all.push(...counters);
    if (counters.length === 0 || all.length >= total) return all;
  }
}
