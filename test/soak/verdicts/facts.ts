import type { Budgets } from '../books/budgets.ts';
import type { IssuedCall } from '../books/issued.ts';
import type { Ledger, LedgerRow } from '../books/ledger.ts';
import type { ReachedLimits } from '../installation/configuration.ts';
import type { StreamedEvent } from '../installation/usage-stream.ts';
import type { Outcome } from '../run/caller.ts';
import type { Disturbance } from '../run/disturb.ts';

/** Everything that is known when the load is over and everything is quiet. */
export interface Facts extends ReachedLimits {
  outcomes: readonly Outcome[];
  disturbances: readonly Disturbance[];
  issued: ReadonlyMap<string, readonly IssuedCall[]>;
  ledger: Ledger;
  streamed: readonly StreamedEvent[];
  budgets: Budgets;
  /** What the console says of the archive team, whose rows are only read from the rollup. */
  archive: { requests: number; tokens: number; costNanoUsd: number };
  /** Resident memory of each service's process; empty where nothing can be read. */
  serviceMib: Readonly<Record<string, number>>;
}

export interface Verdict {
  /** What must hold. */
  name: string;
  figures: Readonly<Record<string, number | string>>;
  /** What does not; empty when it holds. */
  findings: string[];
}

/** A request of the load with its row. A row of which only the receipt was known belongs to nobody's request. */
export interface Settled {
  outcome: Outcome;
  rows: readonly LedgerRow[];
}

/** By what the caller said and was told: its metadata, its `x-request-id`, Tollgate's `x-request-id`. */
export function settledOf({ outcomes, ledger }: Pick<Facts, 'outcomes' | 'ledger'>): Settled[] {
  const byCaller = Map.groupBy(ledger.rows, (row) => row.caller || row.client_request_id);
  const byId = new Map(ledger.rows.map((row) => [row.request_id, row]));
  return outcomes.map((outcome) => {
    const rows = byCaller.get(outcome.plan.clientRequestId) ?? [];
    const told = byId.get(outcome.requestId);
    return { outcome, rows: told && !rows.includes(told) ? [...rows, told] : rows };
  });
}

/** One line about a request, to find it in the logs. */
export function nameOf({ plan, requestId }: Outcome): string {
  return `${plan.clientRequestId} (${plan.kind}, ${plan.surface}${plan.stream ? ' stream' : ''}, ${requestId || 'no id'})`;
}
