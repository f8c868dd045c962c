import type { AnswerSender } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import type { Dispatch, Target, UsageEvent } from '@tollgate/contracts';
import type { Failure } from '../domain/give-up.ts';
import type { Attempt } from './attempt.ts';
import { Recording } from './recording.ts';

/** The provider may end by itself for this long after the caller has left: measured usage is worth it. */
const graceMs = 500;

/** One request that this replica owns. Nothing of it outlives the request. */
export class Run {
  readonly dispatch: Dispatch;
  readonly snapshot: ConfigSnapshot;
  /** The ledger's row, completed step by step. */
  readonly row: UsageEvent;
  readonly answer: AnswerSender;
  /** Set once it is here whole. */
  body: Buffer = Buffer.alloc(0);
  /** Of a request that holds an idempotency key, which runs to its end, whoever leaves. */
  readonly recording: Recording | undefined;
  readonly startedAt = performance.now();
  readonly failures: Failure[] = [];
  attempt: Attempt | undefined;
  /** The one that was silent for too long, while another goes on beside it. */
  silent: Attempt | undefined;
  /** Whom the last attempt calls or called. */
  target: Target | undefined;
  /** Of the key that the last attempt was made with. */
  keyVersion = 0;
  /** Why nobody waits for the answer any more, or why it must end now; empty while it may go on. */
  stopped = '';
  /** Milliseconds since the epoch; 0 before there was any. */
  firstContentAtMs = 0;

  constructor(dispatch: Dispatch, row: UsageEvent, snapshot: ConfigSnapshot, answer: AnswerSender) {
    this.dispatch = dispatch;
    this.row = row;
    this.snapshot = snapshot;
    this.answer = answer;
    if (dispatch.idempotencyKey) this.recording = new Recording();
  }

  get requestId(): string {
    return this.dispatch.requestId;
  }

  get startedAtMs(): number {
    return this.row.receipt?.startedAtMs ?? 0;
  }

  /** One of two attempts is over: the other one, at this target, goes on. */
  leave(attempt: Attempt, other: Target): void {
    if (this.attempt === attempt) this.attempt = this.silent;
    this.silent = undefined;
    this.target = other;
  }

  /** Somebody else owns the request, or the process ends: then there is no grace. */
  stop(reason: string): void {
    if (this.stopped !== '') return;
    this.stopped = reason;
    const ms = reason === 'superseded' || reason === 'shutdown' ? 0 : graceMs;
    this.silent?.stop(ms);
    this.attempt?.stop(ms);
  }
}
