import { type Bus, subjects } from '@tollgate/bus';
import { encode, ReconcileReply, ReconcileRequest } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { FastifyInstance } from 'fastify';

/** A comparison reads the newest million messages' sequences, and looks at counters that differ up to three times. */
const timeoutMs = 110_000;

/** POST /api/reconcile: has analytics compare JetStream, ClickHouse and Redis now, and tells what it found. */
export function reconcileRoutes(app: FastifyInstance, bus: Bus): void {
  app.post('/api/reconcile', async () => {
    const bytes = await bus.request(subjects.ledgerReconcile, encode(ReconcileRequest, {}), timeoutMs);
    const { run, findings, error } = ReconcileReply.decode(bytes);
    if (error !== '')
      throw new TollgateError('store_unavailable', { message: `The books could not be compared: ${error}` });
    return { run, outcome: outcomeOf(findings.map(({ outcome }) => outcome)), findings };
  });
}

/** What is worst: a difference, then what could not be compared. */
function outcomeOf(outcomes: readonly string[]): string {
  return ['differs', 'skipped'].find((outcome) => outcomes.includes(outcome)) ?? 'equal';
}
