import type { LedgerRow } from '../books/ledger.ts';
import { deployments, prices } from '../installation/configuration.ts';
import type { Outcome } from '../run/caller.ts';
import { type Facts, nameOf, settledOf, type Verdict } from './facts.ts';
import { amountOf, tokensOf } from './reservations.ts';

/** Of the row that a lease becomes when its owner died: nobody knows its attempts. */
const leaseVersion = 1;
/** Of a row whose every figure a provider told. */
const measuredVersion = 3;

/** Of requests that were answered whole, the ledger has the provider's tokens and their price, to the last one. */
export function completedUsage(facts: Pick<Facts, 'outcomes' | 'ledger' | 'issued'>): Verdict {
  const findings: string[] = [];
  const issuedSum = { tokens: 0, costNanoUsd: 0 };
  const ledgerSum = { tokens: 0, costNanoUsd: 0 };
  let requests = 0;
  for (const { outcome, rows } of settledOf(facts)) {
    const [row] = rows;
    if (!row || (outcome.end !== 'whole' && row.status !== 'completed')) continue;
    const wrong = (what: string) => findings.push(`${nameOf(outcome)}: ${what}`);
    if (row.status === 'cached') {
      if (row.prompt_tokens + row.completion_tokens + row.cost_nano_usd !== 0) wrong('a hit was charged');
      continue;
    }
    if (row.status !== 'completed') {
      wrong(`answered, but its row says ${row.status} ${row.code}`);
      continue;
    }
    const calls = facts.issued.get(outcome.plan.ticket) ?? [];
    // Given up by us, an earlier one may have been completed by the provider all the same.
    const served = calls.find(({ completed, usage, model }) => completed && usage && model === row.model);
    if (!served?.usage) {
      wrong(`completed by ${row.model} in the ledger, but not at the provider`);
      continue;
    }
    requests++;
    const { promptTokens: prompt, completionTokens: completion } = served.usage;
    const failed = failedAttempts(row);
    const costNanoUsd = costOf(served.model, prompt, completion);
    issuedSum.tokens += prompt + completion;
    issuedSum.costNanoUsd += costNanoUsd;
    ledgerSum.tokens += row.prompt_tokens + row.completion_tokens - failed.prompt - failed.completion;
    ledgerSum.costNanoUsd += row.cost_nano_usd - failed.costNanoUsd;
    if (row.prompt_tokens !== prompt + failed.prompt || row.completion_tokens !== completion + failed.completion)
      wrong(`${row.prompt_tokens}+${row.completion_tokens} tokens, the provider says ${prompt}+${completion}`);
    if (row.cost_nano_usd !== costNanoUsd + failed.costNanoUsd)
      wrong(`costs ${row.cost_nano_usd}, not ${costNanoUsd} nano-dollars`);
    const told = outcome.end === 'whole' ? outcome.usage : undefined;
    if (told && (told.prompt !== prompt || told.completion !== completion))
      wrong(`the caller was told ${told.prompt}+${told.completion} tokens`);
    if (!row.estimated && row.version !== measuredVersion) wrong(`measured, but of version ${row.version}`);
  }
  const figures = {
    requests,
    issuedTokens: issuedSum.tokens,
    ledgerTokens: ledgerSum.tokens,
    issuedNanoUsd: issuedSum.costNanoUsd,
    ledgerNanoUsd: ledgerSum.costNanoUsd,
  };
  return { name: 'tokens and cost are what the provider issued', figures, findings };
}

/** Nobody who broke off, or was interrupted, is charged less than what came; whose owner died, less than was reserved; and what nobody measured says that it is estimated. */
export function partialUsage(facts: Pick<Facts, 'outcomes' | 'ledger' | 'issued'>): Verdict {
  const findings: string[] = [];
  const figures: Record<string, number> = { cancelled: 0, truncated: 0, failed: 0, abandoned: 0 };
  for (const { outcome, rows } of settledOf(facts)) {
    const [row] = rows;
    if (!row || !(row.status in figures)) continue;
    figures[row.status] = (figures[row.status] ?? 0) + 1;
    const charged = tokensOf(row);
    const least = leastOf(row, outcome.text);
    if (charged < least)
      findings.push(`${nameOf(outcome)}: ${row.status}, charged ${charged} tokens, not the ${least} at least`);
    if (row.estimated ? row.version === measuredVersion : charged > 0 && !isMeasured(facts, outcome, row))
      findings.push(`${nameOf(outcome)}: ${row.status}, version ${row.version}, estimated ${row.estimated}`);
    const sum = row.attemptCosts.reduce((a, b) => a + b, 0);
    if (row.version > leaseVersion && sum !== row.cost_nano_usd)
      findings.push(`${nameOf(outcome)}: costs ${row.cost_nano_usd}, its attempts ${sum}`);
  }
  return { name: 'what broke off is charged for what came', figures, findings };
}

/**
 * A lease is charged at its estimate, of which its team's limit reserved all that fits: what one of ten requests uses beyond it nobody
 * knows any more. What was cancelled or broke off is charged for the text that upstream saw, at a quarter of its bytes; the caller saw
 * no more than that.
 */
function leastOf(row: LedgerRow, text: string): number {
  return row.version === leaseVersion ? amountOf(row) : Math.floor(Buffer.byteLength(text) / 4);
}

/** A caller that left may have been charged by what the provider told all the same, though another version may follow. */
function isMeasured({ issued }: Pick<Facts, 'issued'>, { plan }: Outcome, row: LedgerRow): boolean {
  const calls = issued.get(plan.ticket) ?? [];
  return calls.some(
    ({ usage }) => usage?.promptTokens === row.prompt_tokens && usage.completionTokens === row.completion_tokens,
  );
}

/** The attempts before the one that served; what the provider bills of them is estimated. */
function failedAttempts(row: LedgerRow) {
  const sum = (figures: number[]) => figures.slice(0, -1).reduce((a, b) => a + b, 0);
  return {
    prompt: sum(row.attemptPrompts),
    completion: sum(row.attemptCompletions),
    costNanoUsd: sum(row.attemptCosts),
  };
}

/** By the price list of the run: exact, then rounded half up to a nano-dollar. */
function costOf(model: string, prompt: number, completion: number): number {
  const price = prices[deployments[model] ?? ''];
  if (!price) throw new Error(`no price for ${model}`);
  const millionths = BigInt(prompt) * BigInt(price.prompt) + BigInt(completion) * BigInt(price.completion);
  return Number((millionths + 500_000n) / 1_000_000n);
}
