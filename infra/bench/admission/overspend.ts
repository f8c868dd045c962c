import { Delivery, type Receipt, RequestStatus, Surface, type UsageEvent } from '@tollgate/contracts';
import type { Replica } from './replica.ts';

/** What 200 requests at the same time did to a budget that is nearly spent. */
export interface Overspend {
  /** Tokens. */
  limit: number;
  /** Before them. */
  spentBefore: number;
  /** After all of them ended. */
  spent: number;
  admitted: number;
  /** By the limit. */
  refused: number;
  /** Not decided, as the machine was too busy. */
  failed: number;
  /** Spent beyond the limit, per cent of it; 0 = not passed. */
  percent: number;
  /** By how much the estimates of those that were admitted were too low together, per cent of the limit. */
  errorPercent: number;
}

const parallel = 200;
const bodyBytes = 2000;
const outputTokensMax = 500;
/** What prompts really have, beyond a quarter of their bytes: code and other languages need more tokens a byte than English. */
const promptErrorMax = 0.3;
/** Of ten requests, as long as guard-auth has measured nothing: a quarter of the bytes, and all that the caller allows. */
const room = 10 * (bodyBytes / 4 + outputTokensMax);

/**
 * @param team with one hard limit of `limit` tokens, of which nothing is spent
 */
export async function overspend(replica: Replica, team: string, limit: number): Promise<Overspend> {
  // Room for ten of the two hundred, or a few more where estimates are smaller by now.
  const spentBefore = limit - room;
  const first = await replica.ask(team, `${team}-first`, { bodyBytes, outputTokensMax });
  if (first.receipt) replica.bus.usage.publish(used(first.receipt, spentBefore, 0));
  await until(async () => (await spentOf(replica, first.receipt)) === spentBefore);
  const answers = await Promise.all(
    Array.from({ length: parallel }, (_, n) => replica.ask(team, `${team}-${n}`, { bodyBytes, outputTokensMax })),
  );
  const admitted = answers.flatMap(({ receipt, code }) => (receipt && code === '' ? [receipt] : []));
  const refused = answers.filter(({ code }) => code === 'budget_exceeded' || code === 'rate_limit_exceeded').length;
  // Every one of them writes all that it may, and has more in its prompt than a quarter of its bytes, by 0 to 30 per cent.
  const prompts = admitted.map((_, n) => Math.round((bodyBytes / 4) * (1 + (promptErrorMax * (n % 10)) / 9)));
  for (const [n, receipt] of admitted.entries())
    replica.bus.usage.publish(used(receipt, prompts[n] ?? 0, outputTokensMax));
  const sum = spentBefore + prompts.reduce((total, prompt) => total + prompt + outputTokensMax, 0);
  await until(async () => (await spentOf(replica, first.receipt)) === sum);
  const percentOf = (tokens: number) => (Math.max(0, tokens) / limit) * 100;
  return {
    ...{
      limit,
      spentBefore,
      spent: sum,
      admitted: admitted.length,
      refused,
      failed: parallel - admitted.length - refused,
    },
    percent: percentOf(sum - limit),
    errorPercent: percentOf(sum - spentBefore - reservedBy(admitted)),
  };
}

/** What was reserved for them, in tokens: their estimates as guard-auth made them. */
function reservedBy(receipts: readonly Receipt[]): number {
  return receipts.reduce((sum, { reservations: [reservation] }) => sum + (reservation?.amount ?? 0), 0);
}

/** What Redis holds as spent of the one limit that a receipt reserved in. */
async function spentOf({ redis }: Replica, receipt: Receipt | undefined): Promise<number> {
  const [reservation] = receipt?.reservations ?? [];
  if (!reservation) throw new Error('the team has no limit');
  const { scope, scopeId, quantity, window, windowStartMs } = reservation;
  const key = `tg:v1:{bench}:c:${scope}:${scopeId}:${quantity}:${window}:${windowStartMs}`;
  return Number((await redis.command('HGET', key, 'spent')) ?? 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function used(receipt: Receipt, prompt: number, completion: number): UsageEvent {
  const tokens = { prompt, completion, cachedPrompt: 0, reasoning: 0 };
  return {
    ...{ receipt, version: 3, proxy: 'chat', provider: 'azure', modelRequested: 'gpt-4o', model: 'gpt-4o' },
    ...{ baseModel: 'gpt-4o', surface: Surface.CHAT_COMPLETIONS, stream: false, status: RequestStatus.COMPLETED },
    ...{ httpStatus: 200, code: '', delivered: Delivery.COMPLETE, clientRequestId: '', attempts: [], billed: tokens },
    ...{ served: tokens, estimated: false, costNanoUsd: 0, savedNanoUsd: 0, priceListVersion: '', piiEntities: {} },
    ...{ cacheStatus: '', cacheSimilarity: 0, stageUs: {}, latencyMs: 0, ttftMs: 0, metadata: {} },
    ...{ finishedAtMs: Date.now(), guardrailHits: {} },
  };
}
