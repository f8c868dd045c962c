import { type Facts, nameOf, settledOf, type Verdict } from './facts.ts';

/** A known key's refusal has a row, too. */
const refusedByLimits = ['budget_exceeded', 'rate_limit_exceeded'];

/** Each request that was admitted has one row, and what stands in USAGE stands in the ledger. */
export function rows(facts: Pick<Facts, 'outcomes' | 'ledger' | 'issued' | 'streamed'>): Verdict {
  const { ledger, issued, streamed } = facts;
  const findings: string[] = [];
  let lost = 0;
  let double = ledger.rows.length - new Set(ledger.rows.map(({ request_id }) => request_id)).size;
  if (double > 0) findings.push(`${double} request ids have more than one row`);

  let unattributed = ledger.rows.filter((row) => row.version === 1 && !row.caller && !row.client_request_id).length;
  for (const { outcome, rows: found } of settledOf(facts)) {
    if (found.length > 1) {
      double++;
      findings.push(`${nameOf(outcome)} has ${found.length} rows: ${found.map((row) => row.status).join(', ')}`);
    }
    const called = outcome.plan.kind !== 'repeated' && issued.has(outcome.plan.ticket);
    const admitted = called || outcome.end === 'whole' || refusedByLimits.includes(outcome.code);
    if (found.length > 0 || !admitted) continue;
    // A lease that was written again from its receipt does not know its caller any more.
    if (outcome.end !== 'whole' && unattributed > 0) {
      unattributed--;
      continue;
    }
    lost++;
    findings.push(`${nameOf(outcome)} has no row: ${outcome.end} ${outcome.status} ${outcome.code}`);
  }

  const newest = new Map<string, number>();
  for (const { event } of streamed) {
    const id = event.receipt?.requestId ?? '';
    newest.set(id, Math.max(newest.get(id) ?? 0, event.version));
  }
  const standing = new Map(ledger.rows.map((row) => [row.request_id, row.version]));
  let unwritten = 0;
  for (const [id, version] of newest) {
    if (standing.get(id) === version) continue;
    unwritten++;
    findings.push(`USAGE has version ${version} of ${id}, the ledger ${standing.get(id) ?? 'nothing'}`);
  }
  for (const id of standing.keys()) if (!newest.has(id)) findings.push(`the ledger has ${id}, USAGE does not`);
  const figures = { requestIds: standing.size, storedRows: ledger.stored, lost, double, unwritten };
  return { name: 'each admitted request has one row', figures, findings };
}
