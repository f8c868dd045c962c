import type { LedgerClient, QueryOptions } from '../client.ts';
import { type BudgetScope, scopeColumn } from '../queries/budget-sums.ts';
import { utc } from '../row.ts';

/** One counter of a budget, as reservations name it. */
export interface BudgetCounter {
  scope: BudgetScope;
  scopeId: string;
  quantity: string;
  /** As configured: 1h, 1d, 1mo, … */
  window: string;
  startMs: number;
  /** Excluded. */
  endMs: number;
  /** Tells it from others of the same scope, quantity and window; empty for the plain one. */
  selector: string;
  /** Only what these models served, or no known one; empty = all. */
  models: readonly string[];
}

export interface ReservedSum {
  promptTokens: number;
  completionTokens: number;
  costNanoUsd: number;
  requests: number;
}

/**
 * What the requests used that reserved on a counter. Where a limit is younger than its window that is less than what the window holds: requests
 * that came before it did not reserve. Reads the reservations' text of every row of the window, so it is for the few that differ.
 */
export async function reservedSum(
  client: LedgerClient,
  question: QueryOptions & { organizationId: string; counter: BudgetCounter; upToSeq: number },
): Promise<ReservedSum> {
  const { organizationId, counter, upToSeq } = question;
  const [sum] = await client.rows<ReservedSum>(
    `SELECT sum(e.prompt_tokens) AS promptTokens, sum(e.completion_tokens) AS completionTokens, sum(e.cost_nano_usd) AS costNanoUsd,
       count() AS requests
     FROM usage_events AS e FINAL
     WHERE e.organization_id = {organizationId:String} AND e.${scopeColumn(counter.scope)} = {scopeId:String}
       AND e.started_at >= {from:DateTime64(3, 'UTC')} AND e.started_at < {to:DateTime64(3, 'UTC')} AND e.stream_seq <= {upToSeq:UInt64}
       ${counter.models.length > 0 ? 'AND e.model IN {models:Array(String)}' : ''}
       AND arrayExists(r -> JSONExtractString(r, 'selector') = {selector:String} AND JSONExtractString(r, 'scope') = {scope:String} AND JSONExtractString(r, 'quantity') = {quantity:String}
         AND JSONExtractString(r, 'window') = {window:String} AND JSONExtractInt(r, 'windowStartMs') = {startMs:Int64},
         JSONExtractArrayRaw(e.reservations))`,
    {
      ...counter,
      models: [...counter.models, ''],
      organizationId,
      upToSeq,
      from: utc(counter.startMs),
      to: utc(counter.endMs),
    },
    question,
  );
  return sum ?? { promptTokens: 0, completionTokens: 0, costNanoUsd: 0, requests: 0 };
}
