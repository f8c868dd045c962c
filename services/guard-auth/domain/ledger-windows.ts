import { type ConfigSnapshot, windowBounds } from '@tollgate/config';
import type { LedgerSum, LedgerWindow } from '@tollgate/contracts';
import type { CounterSum } from './charge.ts';
import { allLimits, type ScopedLimit } from './limits.ts';
import type { Quantity } from './quantity.ts';

interface RunningLimit {
  limit: ScopedLimit;
  window: LedgerWindow;
}

/** The windows that run at this moment, for all limits of a configuration. Slots have none: leases alone hold them. */
function running(snapshot: ConfigSnapshot, nowMs: number): RunningLimit[] {
  const windowed = allLimits(snapshot).filter(({ limit }) => limit.quantity !== 'concurrency');
  return windowed.map((limit) => {
    const { startMs, endMs } = windowBounds(limit.limit.window, limit.limit.timeZone, nowMs);
    const models = [...(limit.limit.models ?? [])];
    return { limit, window: { scope: limit.scope, scopeId: limit.scopeId, startMs, endMs, models } };
  });
}

/** What to ask the ledger for, each window once. */
export function ledgerWindows(snapshot: ConfigSnapshot, nowMs: number): LedgerWindow[] {
  return [...new Map(running(snapshot, nowMs).map(({ window }) => [nameOf(window), window])).values()];
}

/** The ledger's answer as counters, each once. A window without a sum is one without usage. */
export function counterSums(snapshot: ConfigSnapshot, nowMs: number, sums: LedgerSum[]): CounterSum[] {
  const byWindow = new Map(sums.flatMap((sum) => (sum.window ? [[nameOf(sum.window), sum] as const] : [])));
  const counters = new Map<string, CounterSum>();
  for (const { limit, window } of running(snapshot, nowMs)) {
    const sum = byWindow.get(nameOf(window));
    const { quantity, window: name } = limit.limit;
    const { selector } = limit;
    counters.set(`${limit.scope} ${limit.scopeId} ${quantity} ${name} ${window.startMs} ${selector}`, {
      scope: limit.scope,
      scopeId: limit.scopeId,
      quantity,
      window: name,
      windowStartMs: window.startMs,
      windowEndMs: window.endMs,
      selector,
      spent: sum ? spentOf(sum, quantity) : 0,
    });
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

function nameOf({ scope, scopeId, startMs, endMs, models }: LedgerWindow): string {
  return `${scope} ${scopeId} ${startMs} ${endMs} ${models.join(' ')}`;
}
