import type { AnswerSender } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import type { Dispatch, Target, UsageEvent } from '@tollgate/contracts';
import type { Failure } from '../domain/give-up.ts';
import type { Attempt } from './attempt.ts';
import { Recording } from './recording.ts';

/** The provider may end by itself for this long after the caller has left: measured usage is worth it. */
const graceMs = 500;
const atOnce: ReadonlySet<string> = new Set(['superseded', 'cancelled', 'shutdown']);

/** Where an answer goes: to the ingress of its caller, or to what is kept in the background. */
export type RunAnswer = Pick<
  AnswerSender,
  'closed' | 'cancelled' | 'response' | 'write' | 'drained' | 'end' | 'complete' | 'cancel'
>;

/** Of a run in the background. */
export interface InBackground {
  /** What its caller calls the response, whatever its providers do. */
  responseId: string;
  /** The provider's response as an id that may be gone on from; empty before there is one. */
  keptAs: string;
}

/** One request that this replica owns. Nothing of it outlives the request. */
export class Run {
  readonly dispatch: Dispatch;
  readonly snapshot: ConfigSnapshot;
  /** The ledger's row, completed step by step. */
  readonly row: UsageEvent;
  readonly answer: RunAnswer;
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
  /** It answers to the background, where its row goes with its end. Undefined: to a caller. */
  background: InBackground | undefined;
  /** Hears of stop() where there is no attempt to be stopped. */
  onStop: (() => void) | undefined;

  constructor(dispatch: Dispatch, row: UsageEvent, snapshot: ConfigSnapshot, answer: RunAnswer) {
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

  /** Somebody else owns the request, its caller cancels it, or the process ends: then there is no grace. */
  stop(reason: string): void {
    if (this.stopped !== '') return;
    this.stopped = reason;
    const ms = atOnce.has(reason) ? 0 : graceMs;
    this.silent?.stop(ms);
    this.attempt?.stop(ms);
    this.onStop?.();
  }
}
