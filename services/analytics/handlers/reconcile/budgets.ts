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
  counter: BudgetCounter;
  /** The bound that was missed. */
  expected: number;
  found: number;
  detail: string;
}

interface Look {
  compared: number;
  differences: Map<string, Difference>;
}

/**
 * Holds what each counter in Redis has reserved against its leases, and what it has spent against the deduplicated rows of its window. Three places are read one after the other, so
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
  const findings = [...differences.values()].map(({ counter, expected, found, detail }): Finding => {
    return { compared: 'budgets', outcome: 'differs', what: nameForPeople(counter), expected, found, detail };
  });
  const outcome = findings.length === 0 ? 'equal' : 'differs';
  const detail = 'counters of running windows and slots; equal ones';
  const differing = new Set([...differences.values()].map(({ counter }) => counterName(counter))).size;
  return [
    { compared: 'budgets', outcome, what: '', expected: compared, found: compared - differing, detail },
    ...findings,
  ];
}

function nameForPeople({ scope, scopeId, quantity, window, windowStartMs, models, keys }: BudgetCounter): string {
  const of = models.length > 0 ? ` of ${models.join(', ')}` : '';
  const by = keys.length > 0 ? ` (key ${keys.join(', ')})` : '';
  const name = `${scope} ${scopeId}${by}: ${quantity}${of}`;
  return windowStartMs === 0 ? name : `${name} ${window} since ${new Date(windowStartMs).toISOString()}`;
}

/** Those that both times were off to the same side. */
function inBoth(
  first: ReadonlyMap<string, Difference>,
  second: ReadonlyMap<string, Difference>,
): Map<string, Difference> {
  const isOver = ({ found, expected }: Difference) => found > expected;
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
  const { organizationId, counters: all } = await readCounters(readPage);
  const counters = all.filter(isKnown);
  const { firstSeq, lastSeq } = await bus.usageState();
  if (lastSeq - upToSeq > inFlightMax)
    throw new Error(`${lastSeq - upToSeq} messages are not in the ledger or not settled yet`);
  if (upToSeq + 1 < firstSeq)
    throw new Error(`USAGE begins at ${firstSeq}, the ledger or the counters end at ${upToSeq}`);
  const windows = counters.map(({ scope, scopeId, windowStartMs, windowEndMs, models, keys, ...counter }) => {
    const { selector, quantity, window } = counter;
    // Rows do not name keys, their reservations name the counter.
    const apart = keys.length > 0 ? { counters: { selector, quantity, window } } : {};
    return { scope, scopeId, startMs: windowStartMs, endMs: windowEndMs, models, ...apart };
  });
  const question = { organizationId, windows, upToSeq, unmeasuredSinceMs: now() - unmeasuredMs };
  const { sums, unmeasured } = await ledger.budgetSums(question);
  const counted = new Map(unmeasured.map((row) => [row.requestId, row]));
  const inFlight = new InFlight({ organizationId, settledSeq, counted });
  for await (const message of bus.readUsage({ fromSeq: upToSeq + 1, toSeq: lastSeq })) inFlight.add(message);

  const differences = new Map<string, Difference>();
  for (const counter of all) {
    const { reserved: found, leased: expected = found } = counter;
    const detail = 'what is reserved in Redis is not what the leases hold';
    if (found !== expected) differences.set(`${counterName(counter)} reserved`, { counter, expected, found, detail });
  }
  for (const [at, counter] of counters.entries()) {
    const name = counterName(counter);
    const bounds = inFlight.bounds(name, counter.quantity, counter.models);
    const sum = chargeOf(counter.quantity, sums[at] as BudgetSum) ?? 0;
    let expected = missed(counter.spent, bounds, sum);
    if (expected !== undefined) {
      const reserved = await ledger.ask((client) =>
        reservedSum(client, { organizationId, counter: ledgerCounter(counter), upToSeq }),
      );
      expected = missed(counter.spent, bounds, sum, chargeOf(counter.quantity, reserved) ?? 0);
    }
    const detail = 'the counter in Redis is not the sum of the rows';
    if (expected !== undefined) differences.set(name, { counter, expected, found: counter.spent, detail });
  }
  return { compared: all.length, differences };
}

/** The bound that a counter is outside of, if it is. Any of the sums may be the right one, or one between them. */
function missed(spent: number, { low, high }: Bounds, ...sums: number[]): number | undefined {
  const [least, most] = [Math.min(...sums) + low, Math.max(...sums) + high];
  if (spent < least) return least;
  return spent > most ? most : undefined;
}

function ledgerCounter({ windowStartMs: startMs, windowEndMs: endMs, ...counter }: Counter) {
  const { scope, scopeId, quantity, window, selector, models } = counter;
  return { scope, scopeId, quantity, window, selector, models, startMs, endMs };
}

async function readCounters(
  readPage: BudgetsOptions['counters'],
): Promise<{ organizationId: string; counters: BudgetCounter[] }> {
  const all: BudgetCounter[] = [];
  for (;;) {
    const { organizationId, counters, total, error } = await readPage(all.length);
    if (error !== '') throw new Error(`guard-auth has no counters: ${error}`);
    all.push(...counters);
    if (counters.length === 0 || all.length >= total) return { organizationId, counters: all };
  }
}

function isKnown(counter: BudgetCounter): counter is Counter {
  const none = { promptTokens: 0, completionTokens: 0, costNanoUsd: 0, requests: 0 };
  return SCOPES.includes(counter.scope) && chargeOf(counter.quantity, none) !== undefined;
}
