import type { ConfigSnapshot, Limit } from '@tollgate/config';
import type { LedgerSum, LedgerWindow } from '@tollgate/contracts';
import type { CounterSum } from './charge.ts';
import { runningWindows, windowNameOf } from './limit-windows.ts';
import { allLimits, type ScopedLimit } from './limits.ts';
import type { Quantity } from './quantity.ts';

interface RunningLimit {
  limit: ScopedLimit;
  window: LedgerWindow;
  countsUntilMs: number;
}

/**
 * The windows that run at this moment, for all limits of a configuration; of a rolling one all its parts. Slots have
 * none: leases alone hold them. Rates have none: they start empty.
 */
function running(snapshot: ConfigSnapshot, nowMs: number): RunningLimit[] {
  const windowed = allLimits(snapshot).filter(
    ({ limit }) => limit.quantity !== 'concurrency' && limit.burst === undefined,
  );
  return windowed.flatMap((limit) => {
    const models = [...(limit.limit.models ?? [])];
    const { scope, scopeId, selector } = limit;
    const { quantity } = limit.limit;
    const counters = isApart(limit.limit) ? { selector, quantity, window: windowNameOf(limit.limit) } : plain;
    return runningWindows(limit.limit, nowMs).map(({ startMs, endMs, countsUntilMs }) => ({
      limit,
      window: { scope, scopeId, startMs, endMs, models, ...counters },
      countsUntilMs,
    }));
  });
}

/** Whether its counters are summed of what reserved on them: rows tell who called by a key's id, not by its name or by other values. */
function isApart({ per, keys }: Limit): boolean {
  return per !== undefined || keys !== undefined;
}

const plain = { selector: '', quantity: '', window: '' };

/**
 * Sums that fit into one answer, with room to spare. Measured in values of 32 bytes each: a message holds 256 KiB, and the
 * sum of a window takes some 100 bytes, more with a list of models.
 */
const answerValuesMax = 6000;
const windowValues = 4;

/** What to ask the ledger for, each window once: in so many questions that each answer fits into a message. */
export function ledgerQuestions(snapshot: ConfigSnapshot, nowMs: number): LedgerWindow[][] {
  const questions: LedgerWindow[][] = [[]];
  const asked = new Set<string>();
  let room = answerValuesMax;
  for (const { limit, window } of running(snapshot, nowMs)) {
    const name = nameOf(window);
    if (asked.has(name)) continue;
    asked.add(name);
    const values = windowValues + 4 * window.models.length + (limit.limit.valuesMax ?? 0);
    if (values > room) {
      questions.push([]);
      room = answerValuesMax;
    }
    room -= values;
    questions.at(-1)?.push(window);
  }
  return questions;
}

/** The ledger's answer as counters, each once. A window without a sum is one without usage. */
export function counterSums(snapshot: ConfigSnapshot, nowMs: number, sums: LedgerSum[]): CounterSum[] {
  const byWindow = new Map(sums.flatMap((sum) => (sum.window ? [[nameOf(sum.window), sum] as const] : [])));
  const counters = new Map<string, CounterSum>();
  for (const { limit, window, countsUntilMs } of running(snapshot, nowMs)) {
    const sum = byWindow.get(nameOf(window));
    const { quantity } = limit.limit;
    const name = windowNameOf(limit.limit);
    const { selector } = limit;
    const { scope, scopeId } = limit;
    const counter = { scope, scopeId, quantity, window: name, windowStartMs: window.startMs, selector };
    const values = isApart(limit.limit)
      ? (sum?.values ?? [])
      : [{ value: '', spent: sum ? spentOf(sum, quantity) : 0 }];
    for (const { value, spent } of values) {
      counters.set(Object.values({ ...counter, value }).join(' '), {
        ...counter,
        windowEndMs: countsUntilMs,
        usedUntilMs: window.endMs,
        value,
        spent,
      });
    }
  }
  return [...counters.values()];
}

function spentOf({ billed, costNanoUsd, requests }: LedgerSum, quantity: Quantity): number {
  const prompt = billed?.prompt ?? 0;
  const completion = billed?.completion ?? 0;
  switch (quantity) {
    case 'tokens':
      return prompt + completion;
    case 'prompt_tokens':
      return prompt;
    case 'completion_tokens':
      return completion;
    case 'cost_nano_usd':
      return costNanoUsd;
    case 'requests':
      return requests;
    case 'concurrency':
      return 0;
  }
}

function nameOf(of: LedgerWindow): string {
  const { scope, scopeId, startMs, endMs, models, selector, quantity, window } = of;
  return [scope, scopeId, startMs, endMs, selector, quantity, window, ...models].join(' ');
}
