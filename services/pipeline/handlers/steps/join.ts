import { TollgateError, toErrorDetail } from '@tollgate/errors';
import { next, refuse, type Verdict } from '../../domain/verdict.ts';
import type { Run } from '../run.ts';
import { authorize } from './authorize.ts';
import type { Tools } from './tools.ts';

/** How much later than the first caller a retry may read the answer. */
const lookEveryMs = 100;
const askEveryMs = 1000;
/** So many times in a row nobody said that the call is his: whoever made it was killed (an ingress gives an owner 3 s, too). */
const unownedMax = 3;
/** Of a stream: from then on ingress keeps the connection awake, which it begins to with frame 0. */
const headAfterMs = 10_000;

/**
 * Waits for the call that another request with the same idempotency key makes, until its answer is there. When it failed, or nobody
 * owns it any more, this request makes it itself.
 */
export async function join(run: Run, tools: Tools): Promise<Verdict> {
  if (run.joining === '') return next;
  const teamId = run.receipt?.teamId ?? '';
  if (!tools.joins.enter(teamId)) return refuse(toErrorDetail(tooManyWait));
  try {
    return await untilEnded(run, tools);
  } finally {
    tools.joins.leave(teamId);
  }
}

async function untilEnded(run: Run, tools: Tools): Promise<Verdict> {
  const { claim, request } = run;
  const { joins } = tools;
  let unowned = 0;
  let askedAtMs = joins.now();
  let joined = run.joining;
  while (run.joining !== '') {
    await joins.wait(lookEveryMs);
    const nowMs = joins.now();
    if (run.cancelled !== '') return next;
    if (joins.stopping) return refuse(toErrorDetail(new TollgateError('overloaded', { retryAfterMs: 1000 })));
    if (nowMs >= request.deadlineAtMs) return refuse(toErrorDetail(stillRunning));
    if (run.body.index.stream && !run.headSent && nowMs - request.startedAtMs >= headAfterMs) run.sendHead();
    // What guard-auth cannot answer has no row, as at the first time: it may have reserved, and then writes the row itself.
    run.receipt = undefined;
    run.row = undefined;
    const verdict = await authorize(run, tools);
    if (verdict.kind !== 'next') return verdict;
    if (run.joining !== joined) {
      joined = run.joining;
      unowned = 0;
    } else if (nowMs - askedAtMs >= askEveryMs) {
      askedAtMs = nowMs;
      const owned = await joins.owned(joined);
      if (owned !== undefined) unowned = owned ? 0 : unowned + 1;
    }
    if (claim) claim.abandoned = unowned >= unownedMax ? joined : '';
  }
  return next;
}

const tooManyWait = new TollgateError('concurrency_exceeded', {
  message: 'Too many retries of this team wait for calls with the same idempotency keys.',
  retryAfterMs: 1000,
});
const stillRunning = new TollgateError('upstream_timeout', {
  message: 'The call that was made for this idempotency key is still running. A retry waits for it again.',
});
