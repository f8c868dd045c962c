import type { GuardReply } from '@tollgate/contracts';
import type { EncodedReply, Entry } from './entry.ts';

export type LinkHandlers = {
  answered(entry: Entry, answer: GuardReply['result'] | EncodedReply): void;
  /** An entry is no longer under way here, answered or not. */
  left(): void;
  /** The guard drains: it takes nothing new, and answers what it has. */
  draining(): void;
  /** No way to the guard any more; its entries have no answer. */
  ended(): void;
};

/** The way to one guard while it lives, and the entries that are under way on it. */
export interface Link {
  /** The guard runs in this process. */
  readonly near: boolean;
  /** Entries sent and not answered. */
  readonly outstanding: number;
  readonly openedAtMs: number;
  /** Found so by `stalls`, until anything comes. */
  readonly stalled: boolean;
  send(entry: Entry, nowMs: number): void;
  /** Takes an entry away without an answer: expired, or given to another guard. Its late answer is ignored. */
  release(entry: Entry): void;
  /** Nothing at all was heard while the entry waited, for `stallMs` or half of its time. Large ones may take longer. */
  stalls(entry: Entry, nowMs: number, stallMs: number): boolean;
  /** Closes this side when nothing is under way; the guard closes its own. */
  finish(): void;
  destroy(): void;
}
