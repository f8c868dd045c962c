import type { Beat, Entry } from '@tollgate/contracts';
import { type AnswerHandlers, AnswerReceiver } from './receiver.ts';

export interface AwaitedOptions {
  send(toInbox: string, entry: Entry): void;
  sendBeat(toInbox: string, beat: Beat): void;
  now(): number;
}

/** Three beats without a sign of the owner, and it is given up (contracts.md: upstream dies → beats stop, 3 s). */
const ownerSilenceMsMax = 3000;

/** All answers that ingress waits for. Beats once a second to each owner, only while something is awaited. */
export class AwaitedAnswers {
  readonly #receivers = new Map<string, AnswerReceiver>();
  readonly #options: AwaitedOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AwaitedOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#receivers.size;
  }

  open(requestId: string, handlers: AnswerHandlers): AnswerReceiver {
    const receiver = new AnswerReceiver({
      requestId,
      handlers,
      send: this.#options.send,
      now: this.#options.now,
      onClosed: () => this.#receivers.delete(requestId),
    });
    this.#receivers.set(requestId, receiver);
    this.#timer ??= setInterval(() => this.tick(), 1000).unref();
    return receiver;
  }

  find(requestId: string): AnswerReceiver | undefined {
    return this.#receivers.get(requestId);
  }

  entry(from: string, entry: Entry): void {
    const receiver = this.#receivers.get(entry.requestId);
    if (!receiver) {
      this.#strayFrame(from, entry);
      return;
    }
    if (entry.body?.$case === 'frame') receiver.frame(from, entry.body.value);
    else if (entry.body?.$case === 'accepted') receiver.accepted(entry.body.value.controlSubject);
    else if (entry.body?.$case === 'rejected') receiver.rejected(entry.body.value.error);
  }

  /** The caller had left before it was known who owns the request: whoever begins to answer is told. */
  #strayFrame(from: string, { requestId, body }: Entry): void {
    const begins = body?.$case === 'frame' && body.value.sequence <= 1 && !body.value.end;
    if (begins) this.#options.send(from, { requestId, body: { $case: 'cancel', value: { reason: 'client_gone' } } });
  }

  /** An owner names the requests that it has. */
  beat(from: string, beat: Beat): void {
    const now = this.#options.now();
    for (const { requestId, owner } of beat.streams) {
      const receiver = this.#receivers.get(requestId);
      if (receiver?.owner !== from) continue;
      receiver.seenAtMs = now;
      if (owner !== '') receiver.handedOver(owner);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One beat; the timer's step. */
  tick(): void {
    if (this.#receivers.size === 0) {
      this.close();
      return;
    }
    const now = this.#options.now();
    const beats = new Map<string, Beat>();
    for (const receiver of this.#receivers.values()) {
      // Before acceptance ingress's own bound of one second applies.
      if (receiver.owner === '') continue;
      if (now - receiver.seenAtMs > ownerSilenceMsMax) {
        receiver.lost();
        continue;
      }
      let beat = beats.get(receiver.owner);
      if (!beat) {
        beat = { streams: [], answer: false };
        beats.set(receiver.owner, beat);
      }
      beat.streams.push({ requestId: receiver.requestId, nextSequence: receiver.nextSequence, owner: '' });
    }
    for (const [owner, beat] of beats) this.#options.sendBeat(owner, beat);
  }
}
