import { type ConfigSnapshot, costNanoUsd } from '@tollgate/config';
import type { Target, TokenCounts } from '@tollgate/contracts';
import { estimateTokens } from '../domain/estimate.ts';
import { addAttempt } from '../domain/row.ts';
import type { StreamReader } from '../domain/stream/reader.ts';
import { noTokens } from '../domain/usage.ts';
import type { Attempt } from './attempt.ts';
import type { Run } from './run.ts';

/** One attempt with what its end is judged by. */
export interface Call {
  target: Target;
  attempt: Attempt;
  reader: StreamReader | undefined;
}

export interface Tokens {
  tokens: TokenCounts;
  estimated: boolean;
}

export const nothing: Tokens = { tokens: noTokens, estimated: false };

/** What the provider said so far, else an estimate of what was seen: of the stream, or of so much text. */
export function tokensSeen(run: Run, { reader }: Call, textBytes = reader?.textBytes ?? 0): Tokens {
  if (reader?.usage) return { tokens: reader.usage.tokens, estimated: false };
  return { tokens: estimateTokens(run.row.receipt, run.body.length, textBytes), estimated: true };
}

/** Puts the attempt into the row. @returns its cost, nano-dollars */
export function account(
  run: Run,
  { target, attempt }: Call,
  end: { httpStatus: number; code: string } & Tokens,
): number {
  const { provider, model, deployment } = target;
  const { httpStatus, code, tokens, estimated } = end;
  const cost = end.tokens === noTokens ? 0 : priceOf(run.snapshot, target, tokens);
  const entry = {
    provider,
    model,
    deployment,
    httpStatus,
    code,
    latencyUs: attempt.latencyUs,
    tokens,
    costNanoUsd: cost,
  };
  addAttempt(run.row, entry, estimated);
  return cost;
}

/** @throws RangeError for a model without a price: a call without one is never made */
export function priceOf(snapshot: ConfigSnapshot, { baseModel }: Target, tokens: TokenCounts): number {
  const price = snapshot.prices[baseModel];
  if (!price) throw new RangeError(`no price for ${baseModel}`);
  return costNanoUsd(price, tokens);
}
