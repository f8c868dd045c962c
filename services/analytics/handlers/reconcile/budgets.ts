import { type Bus, usageConsumers } from '@tollgate/bus';
import type { BudgetCounter, BudgetCountersReply } from '@tollgate/contracts';
import {
  type BudgetScope,
  type BudgetSum,
  type BudgetSums,
  type BudgetSumsQuestion,
  type Finding,
  type LedgerClient,
  reservedSum,
} from '@tollgate/ledger';
import { type Bounds, chargeOf, counterName, InFlight } from '../../domain/in-flight.ts';

export interface BudgetsOptions {
  ledger: {
    budgetSums(question: BudgetSumsQuestion): Promise<BudgetSums>;
    ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T>;
  };
  bus: Pick<Bus, 'readUsage' | 'usageAckFloor' | 'usageState'>;
  /** One page of what the budget Redis holds. */
  counters(skip: number): Promise<BudgetCountersReply>;
  now(): number;
  wait(ms: number): Promise<void>;
}

/** contracts.md: a charge that is not measured may be replaced for a day. */
const unmeasuredMs = 24 * 3_600_000;
/** A difference is one when it is seen each time: versions that replace each other while they are read are not seen twice. */
const looksMax = 3;
const pauseMs = 1000;
/** Further behind, the ledger says itself that it is (`tollgate_ledger_usage_pending`). */
const inFlightMax = 50_000;
const SCOPES: readonly string[] = ['organization', 'project', 'team', 'key'] satisfies BudgetScope[];

/** A counter whose figure the rows have. */
type Counter = BudgetCounter & { scope: BudgetScope };

interface Difference {
  counter: Counter;
  /** The bound that was missed. */
  expected: number;
}

interface Look {
  compared: number;
  differences: Map<string, Difference>;
}

/**
 * Holds each budget's counter in Redis against the deduplicated rows of its window. Three places are read one after the other, so
 * the rows are summed up to a sequence that both the ledger and guard-auth had acknowledged before the counters were read, and usage from there
 * to the stream's end, read after them, gives the bounds between which a counter is right.
 */
export async function compareBudgets(options: BudgetsOptions): Promise<Finding[]> {
  let { compared, differences } = await look(options);
  for (let looks = 1; looks < looksMax && differences.size > 0; looks++) {
    await options.wait(pauseMs);
    const next = await look(options);
    compared = next.compared;
    differences = inBoth(differences, next.differences);
  }
  const found = [...differences.values()].map(({ counter, expected }): Finding => {
    const since = new Date(counter.windowStartMs).toISOString();
    const what = `${counter.scope} ${counter.scopeId}: ${counter.quantity} ${counter.window} since ${since}`;
    const detail = 'the counter in Redis is not the sum of the rows';
    return { compared: 'budgets', outcome: 'differs', what, expected, found: counter.spent, detail };
  });
  const outcome = found.length === 0 ? 'equal' : 'differs';
  const detail = 'counters of running windows; equal ones';
  return [
    { compared: 'budgets', outcome, what: '', expected: compared, found: compared - found.length, detail },
    ...found,
  ];
}

/** Those that both times were off to the same side. */
function inBoth(
  first: ReadonlyMap<string, Difference>,
  second: ReadonlyMap<string, Difference>,
): Map<string, Difference> {
  const isOver = ({ counter, expected }: Difference) => counter.spent > expected;
  return new Map(
    [...second].filter(([name, difference]) => {
      const before = first.get(name);
      return before !== undefined && isOver(before) === isOver(difference);
    }),
  );
}

async function look({ ledger, bus, counters: readPage, now }: BudgetsOptions): Promise<Look> {
  const ledgerSeq = await bus.usageAckFloor(usageConsumers.ledger);
  const settledSeq = await bus.usageAckFloor(usageConsumers.settle);
  const upToSeq = Math.min(ledgerSeq, settledSeq);
  const { organizationId, counters } = await readCounters(readPage);
  const { firstSeq, lastSeq } = await bus.usageState();
  if (lastSeq - upToSeq > inFlightMax)
    throw new Error(`${lastSeq - upToSeq} messages are not in the ledger or not settled yet`);
  if (upToSeq + 1 < firstSeq)
    throw new Error(`USAGE begins at ${firstSeq}, the ledger or the counters end at ${upToSeq}`);
  const windows = counters.map(({ scope, scopeId, windowStartMs, windowEndMs }) => ({
    ...{ scope, scopeId, startMs: windowStartMs, endMs: windowEndMs, models: [] },
  }));
  const question = { organizationId, windows, upToSeq, unmeasuredSinceMs: now() - unmeasuredMs };
  const { sums, unmeasured } = await ledger.budgetSums(question);
  const counted = new Map(unmeasured.map((row) => [row.requestId, row]));
  const inFlight = new InFlight({ organizationId, settledSeq, counted });
  for await (const message of bus.readUsage({ fromSeq: upToSeq + 1, toSeq: lastSeq })) inFlight.add(message);

  const differences = new Map<string, Difference>();
  for (const [at, counter] of counters.entries()) {
    const name = counterName(counter);
    const bounds = inFlight.bounds(name, counter.quantity);
    const sum = chargeOf(counter.quantity, sums[at] as BudgetSum) ?? 0;
    let expected = missed(counter.spent, sum, bounds);
    if (expected !== undefined && counter.spent < expected) {
      const reserved = await ledger.ask((client) =>
        reservedSum(client, { organizationId, counter: ledgerCounter(counter), upToSeq }),
      );
      expected = missed(counter.spent, Math.min(sum, chargeOf(counter.quantity, reserved) ?? 0), bounds);
    }
    if (expected !== undefined) differences.set(name, { counter, expected });
  }
  return { compared: counters.length, differences };
}

/** The bound that a counter is outside of, if it is. */
function missed(spent: number, sum: number, { low, high }: Bounds): number | undefined {
  if (spent < sum + low) return sum + low;
  return spent > sum + high ? sum + high : undefined;
}

function ledgerCounter({ scope, scopeId, quantity, window, windowStartMs, windowEndMs }: Counter) {
  return { scope, scopeId, quantity, window, startMs: windowStartMs, endMs: windowEndMs };
}

async function readCounters(
  readPage: BudgetsOptions['counters'],
): Promise<{ organizationId: string; counters: Counter[] }> {
  const all: BudgetCounter[] = [];
  for (;;) {
    const { organizationId, counters, total, error } = await readPage(all.length);
    if (error !== '') throw new Error(`guard-auth has no counters: ${error}`);
    all.push(...counters);
    if (counters.length === 0 || all.length >= total) return { organizationId, counters: all.filter(isKnown) };
  }
}

function isKnown(counter: BudgetCounter): counter is Counter {
  const none = { promptTokens: 0, completionTokens: 0, costNanoUsd: 0 };
  return SCOPES.includes(counter.scope) && chargeOf(counter.quantity, none) !== undefined;
}
