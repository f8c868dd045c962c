import { Delivery, type Receipt, RequestStatus, Surface, type UsageEvent } from '@tollgate/contracts';
import type { Replica } from './replica.ts';

/** Of the limit: `hard` counts on estimates, `strict` on the most that requests can use. */
type Mode = 'hard' | 'strict';

/** What 200 requests at the same time did to a budget that is nearly spent. */
export interface Overspend {
  mode: Mode;
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
/** What prompts really have where estimates are counted on, beyond a quarter of their bytes: code and other languages need more tokens a byte than English. */
const promptErrorMax = 0.3;
/** Of ten requests, as long as guard-auth has measured nothing: a quarter of the bytes, and all that the caller allows. */
const room = 10 * (bodyBytes / 4 + outputTokensMax);

/**
 * @param team with one limit of `limit` tokens in this mode, of which nothing is spent
 */
export async function overspend(replica: Replica, team: string, mode: Mode, limit: number): Promise<Overspend> {
  // Room for ten of the two hundred, or a few more where estimates are smaller by now.
  const spentBefore = limit - room;
  // As pipeline tells it where the configuration has a strict limit.
  const input = mode === 'strict' ? { textBytesMax: bodyBytes, images: 0, files: 0, unbounded: '' } : undefined;
  const call = { bodyBytes, outputTokensMax, input };
  const first = await replica.ask(team, `${team}-first`, call);
  if (first.receipt) replica.bus.usage.publish(unmeasured(used(first.receipt, spentBefore, 0)));
  await until(async () => (await spentOf(replica, first.receipt)) === spentBefore);
  const answers = await Promise.all(
    Array.from({ length: parallel }, (_, n) => replica.ask(team, `${team}-${n}`, call)),
  );
  const admitted = answers.flatMap(({ receipt, code }) => (receipt && code === '' ? [receipt] : []));
  const refused = answers.filter(({ code }) => code === 'budget_exceeded' || code === 'rate_limit_exceeded').length;
  let sum = spentBefore;
  for (const [n, receipt] of admitted.entries()) {
    const prompt = promptOf(mode, n);
    // Every one of them writes all that it may.
    const completion = receipt.outputTokensMax ?? outputTokensMax;
    const event = used(receipt, prompt, completion);
    replica.bus.usage.publish(mode === 'strict' ? unmeasured(event) : event);
    sum += prompt + completion;
  }
  await until(async () => (await spentOf(replica, first.receipt)) === sum);
  const percentOf = (tokens: number) => (Math.max(0, tokens) / limit) * 100;
  return {
    ...{
      mode,
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

/** Tokens of a prompt: a quarter of its bytes and 0 to 30 per cent more; under a strict limit the worst there is, one a byte. */
function promptOf(mode: Mode, n: number): number {
  return mode === 'strict' ? bodyBytes : Math.round((bodyBytes / 4) * (1 + (promptErrorMax * (n % 10)) / 9));
}

/** What was reserved for them, in tokens: their estimates as guard-auth made them. */
function reservedBy(receipts: readonly Receipt[]): number {
  return receipts.reduce((sum, { reservations: [reservation] }) => sum + (reservation?.amount ?? 0), 0);
}

/** What Redis holds as spent of the one limit that a receipt reserved in. */
async function spentOf({ redis }: Replica, receipt: Receipt | undefined): Promise<number> {
  const [reservation] = receipt?.reservations ?? [];
  if (!reservation) throw new Error('the team has no limit, or the first request was refused');
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

/** What guard-auth does not learn from: no prompt is like it. */
function unmeasured(event: UsageEvent): UsageEvent {
  return { ...event, version: 2, estimated: true };
}
