import type { GuardReply, GuardRequest } from '@tollgate/contracts';
import { entryBytesMax } from '../wire/bounds.ts';
import type { Link } from './link.ts';

/** A reply as it came over the bulk stream, to a caller that decodes it elsewhere. */
export type EncodedReply = { $case: 'encoded'; value: Uint8Array<ArrayBuffer> };
export type Answer = NonNullable<GuardReply['result']> | EncodedReply;

export type EntryContent = {
  request: GuardRequest;
  /** The whole request without id and timeout, as bytes; then `request` lacks its call. */
  encoded: Uint8Array | undefined;
  /** Encoded size, exactly or at most. */
  bytes: number;
  /** A reply over the bulk stream is left as it is. */
  wantsEncoded: boolean;
};

let resolveOf: (answer: Answer) => void;
let rejectOf: (error: Error) => void;

// One executor for all promises: it runs inside the constructor, so no closure is needed for each call.
function executor(resolve: (answer: Answer) => void, reject: (error: Error) => void): void {
  resolveOf = resolve;
  rejectOf = reject;
}

/** One call from its start to its answer, whichever guards it is sent to. Times are on the clock of performance.now(). */
export class Entry {
  readonly request: GuardRequest;
  readonly encoded: Uint8Array | undefined;
  readonly bytes: number;
  /** What it takes of the bound on large requests; 0 when it goes in a batch. */
  readonly bulkBytes: number;
  readonly wantsEncoded: boolean;
  readonly deadlineMs: number;
  readonly promise: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Where it is under way now; undefined while it waits. */
  link: Link | undefined = undefined;
  /** How often it was given to a guard. */
  sends = 0;
  sentAtMs = 0;
  /** Since when it waits for a guard to become reachable. */
  parkedAtMs = 0;

  constructor(content: EntryContent, deadlineMs: number) {
    this.request = content.request;
    this.encoded = content.encoded;
    this.bytes = content.bytes;
    const encodedBytes = content.encoded?.length ?? 0;
    this.bulkBytes = encodedBytes > entryBytesMax ? encodedBytes : 0;
    this.wantsEncoded = content.wantsEncoded;
    this.deadlineMs = deadlineMs;
    this.promise = new Promise(executor);
    this.resolve = resolveOf;
    this.reject = rejectOf;
  }
  get isBulk(): boolean {
    return this.bulkBytes > 0;
  }
}
