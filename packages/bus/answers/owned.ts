import type { Beat, Entry } from '@tollgate/contracts';
import { AnswerSender, type AnswerSenderOptions } from './sender.ts';

export interface OwnedOptions {
  send(toInbox: string, entry: Entry): void;
  sendBeat(toInbox: string, beat: Beat): void;
  now(): number;
}

/** ingress beats once a second; three missed beats and a little more mean that it is gone. */
export const ingressSilenceMsMax = 3500;
/** An ended answer is kept this long in case a frame of it was lost on the way. */
const endedKeptMs = 4000;
/** All ended answers of a replica together; beyond it the oldest go. */
const endedBytesMax = 32 * 1024 * 1024;

interface Ended {
  sender: AnswerSender;
  /** As it was at the end: credit may shrink it later, the sum must not drift. */
  bytes: number;
  untilMs: number;
}

/** All answers that this replica owns or has just ended, and what ingresses say about them. */
export class OwnedAnswers {
  readonly #live = new Map<string, AnswerSender>();
  readonly #ended = new Map<string, Ended>();
  readonly #options: OwnedOptions;
  #endedBytes = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: OwnedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  open(options: Pick<AnswerSenderOptions, 'requestId' | 'ingressInbox' | 'firstSequence' | 'onCancel'>): AnswerSender {
    const sender = new AnswerSender({
      ...options,
      send: this.#options.send,
      now: this.#options.now,
      onClosed: (closed) => this.#closed(closed),
    });
    this.#live.set(options.requestId, sender);
    this.#sweep ??= setInterval(() => this.#sweepNow(), 1000).unref();
    return sender;
  }

  find(requestId: string): AnswerSender | undefined {
    return this.#live.get(requestId);
  }

  entry(entry: Entry): void {
    const sender = this.#live.get(entry.requestId) ?? this.#ended.get(entry.requestId)?.sender;
    if (!sender) return;
    switch (entry.body?.$case) {
      case 'credit':
        sender.credit(entry.body.value.consumed, entry.body.value.window);
        break;
      case 'cancel':
        // ingress may not know yet who owns it now.
        if (sender.newOwner !== '') this.#options.send(sender.newOwner, entry);
        else sender.cancel(entry.body.value.reason);
        break;
      case 'resend':
        sender.resend(entry.body.value.fromSequence);
        break;
    }
  }

  /** ingress names the requests that it waits for; the answer names those that are known here. */
  beat(from: string, beat: Beat): void {
    const streams: Beat['streams'] = [];
    for (const { requestId, nextSequence } of beat.streams) {
      const sender = this.#live.get(requestId) ?? this.#ended.get(requestId)?.sender;
      if (!sender) continue;
      sender.listed(nextSequence);
      streams.push({ requestId, nextSequence: sender.nextSequence, owner: sender.newOwner });
    }
    this.#options.sendBeat(from, { streams, answer: true });
  }

  /** Cancels nothing, forgets all: for the end of the process. */
  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.#live.clear();
    this.#ended.clear();
  }

  #closed(sender: AnswerSender): void {
    this.#live.delete(sender.requestId);
    if (sender.cancelled) return;
    const bytes = sender.keptBytes;
    this.#ended.set(sender.requestId, { sender, bytes, untilMs: this.#options.now() + endedKeptMs });
    this.#endedBytes += bytes;
    for (const [id, oldest] of this.#ended) {
      if (this.#endedBytes <= endedBytesMax) break;
      this.#forget(id, oldest);
    }
  }

  #forget(id: string, ended: Ended): void {
    this.#ended.delete(id);
    this.#endedBytes -= ended.bytes;
  }

  #sweepNow(): void {
    const now = this.#options.now();
    for (const [id, ended] of this.#ended) {
      if (ended.untilMs > now) break;
      this.#forget(id, ended);
    }
    for (const sender of this.#live.values()) {
      if (now - sender.listedAtMs > ingressSilenceMsMax) sender.cancel('ingress_gone');
    }
    if (this.#live.size === 0 && this.#ended.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
  }
}
