import { type ConfigSnapshot, modelPrice } from '@tollgate/config';
import type { BackgroundChunk, Dispatch, UsageEvent } from '@tollgate/contracts';
import { estimateTokens } from '../../domain/estimate.ts';
import { addAttempt } from '../../domain/row.ts';
import { boundTokens, isStrict } from '../../domain/strict.ts';
import { nothingBeside } from '../../domain/usage.ts';
import { priceOf } from '../account.ts';

/**
 * Puts the attempt of a run into the row whose replica died in it: its provider had the prompt and wrote at least what is kept of it,
 * and bills that. How much more it was nobody knows; under a strict limit it is as much as may be.
 * @param last of that run; undefined: it wrote nothing
 */
export function addLostAttempt(
  row: UsageEvent,
  { targets, bodyBytes }: Pick<Dispatch, 'targets' | 'bodyBytes'>,
  last: BackgroundChunk | undefined,
  snapshot: ConfigSnapshot,
): void {
  const target = last?.target ?? targets[0];
  if (!target) return;
  const { receipt } = row;
  const tokens = isStrict(receipt) ? boundTokens(receipt) : estimateTokens(receipt, bodyBytes, last?.textBytes ?? 0);
  // A model that this revision does not know any more was called under another one.
  const known = modelPrice(snapshot, target.baseModel) !== undefined;
  const usage = { tokens, ...nothingBeside, unknown: [] };
  const { provider, model, deployment } = target;
  const attempt = {
    ...{ provider, model, deployment, tokens, billing: undefined },
    ...{ httpStatus: last ? 200 : 0, code: 'gateway_interrupted', latencyUs: 0 },
    costNanoUsd: known ? priceOf(snapshot, target, usage).nanoUsd : 0,
  };
  addAttempt(row, attempt, true);
}
