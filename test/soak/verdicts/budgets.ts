import type { LedgerRow } from '../books/ledger.ts';
import { teamId } from '../installation/configuration.ts';
import { type Facts, nameOf, settledOf, type Verdict } from './facts.ts';
import { amountOf, type Reservation, reservationsOf, tokensOf } from './reservations.ts';

/** Nothing is held for anybody when nobody runs. */
export function reservedIsZero({ budgets }: Pick<Facts, 'budgets'>): Verdict {
  const held = Object.entries(budgets.counters).filter(([, { reserved }]) => reserved !== 0);
  const findings = held.map(([name, { reserved }]) => `${name} holds ${reserved}`);
  if (budgets.leases > 0) findings.push(`${budgets.leases} leases are left`);
  if (budgets.receipts > 0) findings.push(`${budgets.receipts} receipts are left`);
  const reserved = held.reduce((sum, [, counter]) => sum + counter.reserved, 0);
  const figures = { counters: Object.keys(budgets.counters).length, reserved, leases: budgets.leases };
  return { name: 'reserved is zero', figures, findings };
}

/** Every counter in Redis of a window that still runs holds what the rows add up to; the others are not rebuilt when Redis restarts. */
export function spentIsLedger({ budgets, ledger }: Pick<Facts, 'budgets' | 'ledger'>): Verdict {
  const expected = new Map<string, number>();
  const ended = new Set<string>();
  for (const row of ledger.rows) {
    for (const reservation of reservationsOf(row)) {
      // Slots are held, and rates flow back.
      if (reservation.quantity === 'concurrency' || reservation.selector.startsWith('rate')) continue;
      const { scope, scopeId, quantity, window, windowStartMs, selector, value } = reservation;
      const parts = [scope, scopeId, quantity, window, windowStartMs, selector, value];
      const name = parts.filter((part) => part !== '').join(':');
      if (reservation.windowEndMs <= budgets.readAtMs) ended.add(name);
      else expected.set(name, (expected.get(name) ?? 0) + chargeOf(row, reservation));
    }
  }
  const findings: string[] = [];
  const sums = [...expected].sort();
  const held = Object.entries(budgets.counters).filter(([name]) => !ended.has(name));
  for (const [name, spent] of sums) {
    const counter = budgets.counters[name];
    if (counter?.spent !== spent) findings.push(`${name}: Redis ${counter?.spent ?? 'nothing'}, the rows ${spent}`);
  }
  if (held.length !== sums.length) findings.push(`Redis has ${held.length} counters, the rows ${sums.length}`);
  const total = (figures: number[]) => figures.reduce((sum, figure) => sum + figure, 0);
  const figures = {
    counters: sums.length,
    spentInRedis: total(held.map(([, { spent }]) => spent)),
    spentInLedger: total(sums.map(([, spent]) => spent)),
  };
  return { name: 'Redis holds what the rows add up to', figures, findings };
}

/** The narrow team's limit is not passed by more than its estimates were too low. */
export function limitHolds({ ledger, narrowTokens }: Pick<Facts, 'ledger' | 'narrowTokens'>): Verdict {
  const admitted = ledger.rows.filter((row) => row.team_id === teamId('narrow') && row.reservations !== '');
  const spent = admitted.reduce((sum, row) => sum + tokensOf(row), 0);
  const lastAdmittedMs = Math.max(0, ...admitted.map((row) => row.startedAtMs));
  // What had ended well before the last admission was settled then: only the others could surprise it.
  const runningThen = admitted.filter((row) => row.finishedAtMs >= lastAdmittedMs - settledWithinMs);
  const error = runningThen.reduce((sum, row) => sum + Math.max(0, tokensOf(row) - amountOf(row)), 0);
  const findings =
    spent > narrowTokens + error ? [`${spent} tokens of ${narrowTokens}; its estimates were ${error} too low`] : [];
  const overspendPercent = Math.max(0, ((spent - narrowTokens) / narrowTokens) * 100).toFixed(2);
  const figures = { limit: narrowTokens, spent, overspendPercent, estimatesError: error };
  return { name: 'no hard limit is passed', figures, findings };
}

/** Whoever has room is served: teams far below their limits always, the narrow one until its limit is used up or held. */
export function refusalsAreRight(facts: Pick<Facts, 'outcomes' | 'ledger' | 'narrowTokens'>): Verdict {
  const { outcomes, ledger, narrowTokens } = facts;
  const findings: string[] = [];
  const promptTokensPerByte = mostPerByte(facts);
  const narrow = ledger.rows.filter((row) => row.team_id === teamId('narrow') && row.reservations !== '');
  let refused = 0;
  for (const outcome of outcomes) {
    if (!ofLimits.includes(outcome.code)) continue;
    refused++;
    if (outcome.plan.team !== 'narrow') {
      findings.push(`${nameOf(outcome)} of ${outcome.plan.team}: ${outcome.status} ${outcome.code}`);
      continue;
    }
    const before = narrow.filter((row) => row.startedAtMs <= outcome.endedAtMs);
    const used = before.reduce((sum, row) => sum + heldOf(row, outcome.sentAtMs), 0);
    const own = Math.ceil(outcome.bodyBytes * promptTokensPerByte) + outcome.plan.outputTokensMax;
    if (used + own <= narrowTokens)
      findings.push(`${nameOf(outcome)}: refused at ${used} + ${own} of ${narrowTokens} tokens`);
  }
  if (refused === 0) findings.push('nobody was refused: the narrow limit was not reached');
  const others = ledger.rows.filter((row) => row.team_id !== teamId('narrow') && row.status === 'refused');
  for (const row of others) findings.push(`${row.request_id} of ${row.team_id} was refused: ${row.code}`);
  return { name: 'no team under its limit was refused', figures: { refused, wrongly: findings.length }, findings };
}

const ofLimits = ['budget_exceeded', 'rate_limit_exceeded', 'concurrency_exceeded', 'request_exceeds_limit'];
/** docs/configuration.md: what a prompt is estimated at before there are measurements. */
const promptTokensPerByteDefault = 1 / 4;
/** The most that a prompt was estimated at, as estimates follow what was measured: no percentile is above the highest. */
function mostPerByte(facts: Pick<Facts, 'outcomes' | 'ledger'>): number {
  let most = promptTokensPerByteDefault;
  for (const { outcome, rows } of settledOf(facts))
    for (const { status, attemptPrompts } of rows)
      if (status === 'completed') most = Math.max(most, (attemptPrompts.at(-1) ?? 0) / outcome.bodyBytes);
  return most;
}

/** The most that a request held of its limit from that moment on: what it had reserved only while it was not settled. */
function heldOf(row: LedgerRow, atMs: number): number {
  const settled = row.finishedAtMs < atMs - settledWithinMs;
  return settled ? tokensOf(row) : Math.max(tokensOf(row), amountOf(row));
}

/** A request may be settled so much later than it ended, killed settlers included. */
const settledWithinMs = 30_000;

function chargeOf(row: LedgerRow, { quantity, models }: Reservation): number {
  const served = row.model || row.model_requested;
  if (models.length > 0 && served !== '' && !models.includes(served)) return 0;
  switch (quantity) {
    case 'tokens':
      return tokensOf(row);
    case 'prompt_tokens':
      return row.prompt_tokens;
    case 'completion_tokens':
      return row.completion_tokens;
    case 'cost_nano_usd':
      return row.cost_nano_usd;
    case 'requests':
      return 1;
    default:
      throw new Error(`a reservation of ${quantity}`);
  }
}
