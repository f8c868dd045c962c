import { type ConfigSnapshot, type Cost, costOf, modelPrice, type Usage } from '@tollgate/config';
import { type Billing, type Receipt, Surface, type Target } from '@tollgate/contracts';
import { estimateTokens } from '../domain/estimate.ts';
import type { ResponseNames } from '../domain/response-names.ts';
import { addAttempt } from '../domain/row.ts';
import type { StreamReader } from '../domain/stream/reader.ts';
import { boundTokens } from '../domain/strict.ts';
import { type Beside, type MeasuredUsage, noTokens, nothingBeside } from '../domain/usage.ts';
import type { Attempt } from './attempt.ts';
import type { Run } from './run.ts';

/** One attempt with what its end is judged by. */
export interface Call {
  target: Target;
  attempt: Attempt;
  reader: StreamReader | undefined;
  /** performance.now() at the first content of a stream; 0 = none came. */
  firstContentAt: number;
  names: ResponseNames | undefined;
}

/** What an attempt is charged for. */
export interface Charged extends MeasuredUsage {
  estimated: boolean;
}

export const nothing: Charged = { tokens: noTokens, ...nothingBeside, unknown: [], estimated: false };

export function measured(usage: MeasuredUsage): Charged {
  return { ...usage, estimated: false };
}

/** What the provider said so far, else an estimate of what was seen. */
export function usageSeen(run: Run, { reader }: Call): Charged {
  if (isFree(run)) return nothing;
  if (reader?.usage) return measured(reader.usage);
  const seen = estimated(run, reader?.textBytes ?? 0, reader?.beside ?? nothingBeside);
  const { begun } = reader ?? {};
  return begun
    ? { ...seen, tokens: { ...begun, completion: Math.max(begun.completion, seen.tokens.completion) } }
    : seen;
}

/** Reading what is kept generates nothing, nor does counting. */
function isFree({ dispatch }: Run): boolean {
  return dispatch.stored !== undefined || dispatch.surface === Surface.COUNT_TOKENS;
}

/** @param textBytes generated text that came */
export function estimated(run: Run, textBytes: number, beside: Beside): Charged {
  const tokens = estimateTokens(run.row.receipt, run.body.length, textBytes);
  return { tokens, ...beside, unknown: [], estimated: true };
}

/** The most that it can have used: of a failed call under a strict limit nobody knows how far it came. */
export function atBound(receipt: Receipt, { reader }: Call): Charged {
  return { tokens: boundTokens(receipt), ...(reader?.beside ?? nothingBeside), unknown: [], estimated: true };
}

/** Puts the attempt into the row. `unpriced`: what has no price, `model` too where the fallback is its price. */
export function account(
  run: Run,
  { target, attempt }: Call,
  { httpStatus, code, ...charged }: { httpStatus: number; code: string } & Charged,
): Cost {
  const { provider, model, deployment } = target;
  const { tokens, unknown } = charged;
  const cost = tokens === noTokens ? free : priceOf(run.snapshot, target, charged);
  const unpriced = unknown.length === 0 ? cost.unpriced : [...cost.unpriced, ...unknown];
  const entry = {
    provider,
    model,
    deployment,
    httpStatus,
    code,
    latencyUs: attempt.latencyUs,
    tokens,
    costNanoUsd: cost.nanoUsd,
    billing: billingOf(charged, unpriced),
  };
  addAttempt(run.row, entry, charged.estimated);
  return { nanoUsd: cost.nanoUsd, unpriced };
}

const free: Cost = { nanoUsd: 0, unpriced: [] };

/** Undefined where there is nothing to say, which is nearly always. */
function billingOf({ serviceTier, toolCalls }: Charged, unpriced: readonly string[]): Billing | undefined {
  const isPlain = serviceTier === '' && unpriced.length === 0 && Object.keys(toolCalls).length === 0;
  return isPlain ? undefined : { serviceTier, toolCalls: { ...toolCalls }, unpriced: [...unpriced] };
}

/** @throws RangeError for a model without a price: a call without one is never made */
export function priceOf(snapshot: ConfigSnapshot, { baseModel }: Target, usage: Usage): Cost {
  const price = modelPrice(snapshot, baseModel);
  if (!price) throw new RangeError(`no price for ${baseModel}`);
  return costOf(price, usage);
}
