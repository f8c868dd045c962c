import type { GuardReply, GuardRequest } from '@tollgate/contracts';
import type { Logger, Metrics } from '@tollgate/telemetry';
import type { NearGuards } from '../near/near-guards.ts';
import type { GuardBus } from '../wire/subjects.ts';
import type { Answer } from './entry.ts';

export type GuardPoolOptions = {
  kind: 'auth' | 'pii' | 'cache' | 'router';
  bus: GuardBus;
  logger: Logger;
  metrics: Metrics;
  /** Guards in this process, which are asked first. */
  near?: NearGuards;
  /** Calls outstanding at once, over all replicas; beyond it `overloaded`. Default 8,192. */
  outstandingMax?: number;
  /** Encoded requests above 192 KiB held at once, bytes; beyond it `overloaded`. Default 256 MiB. */
  bulkBytesMax?: number;
};

export type GuardCall = Omit<GuardRequest, 'id'>;

export type EncodedCall = {
  /** A GuardRequest encoded without id and timeoutMs; not to be changed until the call has ended. */
  encoded: Uint8Array;
  requestId: string;
  timeoutMs: number;
};

/**
 * All replicas of one kind of guard, as they announce themselves. A call goes to one of them in the batch of this
 * event-loop turn. When its connection breaks, it stalls, or it says that it cannot (guard_unavailable, overloaded, limit_unproven), the
 * call is given to another one, once: every guard's calls may be repeated (a reservation is idempotent by request id, the
 * others change nothing).
 */
export interface GuardPool {
  /**
   * The guard's answer; `{ $case: 'error' }` when it could not decide. Rejects with TollgateError: `guard_unavailable`
   * when none could be asked or none answered within `timeoutMs` (0 = 5 s), `overloaded` at the bounds.
   */
  call(request: GuardCall): Promise<NonNullable<GuardReply['result']>>;
  /**
   * The same for a large request that was encoded elsewhere, in a thread: it is passed on as it is, and its answer, when
   * that is large too, comes as encoded GuardReply (`{ $case: 'encoded' }`).
   */
  callEncoded(call: EncodedCall): Promise<Answer>;
  /** A call made now would find a replica to go to. */
  ready(): boolean;
  /** Replicas that are connected, ready and not draining. */
  readonly usable: number;
  /** Calls without an answer yet. */
  readonly outstanding: number;
  /** Ends all connections; calls that are still outstanding fail. Drain the caller first. */
  close(): void;
}
