import type { End, Entry, Frame, PipelineHead, ResponseHead } from '@tollgate/contracts';

/** Content of a frame of a stream; larger writes are split. */
export const frameBytesMax = 16 * 1024;
/** A complete answer up to this size is one frame with its end. */
export const completeBytesMax = 224 * 1024;
/** How far the sender may run ahead of what ingress has consumed, until its first credit says otherwise. */
export const initialWindowBytes = 16 * 1024;

export interface AnswerSenderOptions {
  requestId: string;
  ingressInbox: string;
  /** 0 for pipeline, whose frame 0 is the head; 1 for the owner after it. */
  firstSequence: 0 | 1;
  send(toInbox: string, entry: Entry): void;
  /** Called once: the caller left, or ingress is gone. */
  onCancel(reason: string): void;
  onClosed(sender: AnswerSender): void;
  now(): number;
}

/** The owner's side of one answer: numbers the frames, keeps what is not consumed, obeys the credit of ingress. */
export class AnswerSender {
  readonly requestId: string;
  readonly ingressInbox: string;
  /** When ingress last named this request in a beat, or the answer began. */
  listedAtMs: number;
  /** Set by end(), handOver() or cancel(): nothing more will be written. */
  closed = false;
  cancelled = false;
  /** Whom it was handed over to; empty while it is ours. */
  newOwner = '';
  readonly #options: AnswerSenderOptions;
  #kept: Frame[] = [];
  #keptBytes = 0;
  #sentAtMs = 0;
  #sequence: number;
  #offset = 0;
  #consumed = 0;
  #window = initialWindowBytes;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(options: AnswerSenderOptions) {
    this.#options = options;
    this.requestId = options.requestId;
    this.ingressInbox = options.ingressInbox;
    this.#sequence = options.firstSequence;
    this.listedAtMs = options.now();
  }

  /** The sequence of the next frame. */
  get nextSequence(): number {
    return this.#sequence;
  }

  get contentBytes(): number {
    return this.#offset;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Pipeline only: frame 0, sent with the dispatch. */
  head(head: PipelineHead): void {
    if (!this.closed) this.#frame({ head });
  }

  /** Pipeline only: `owner` has accepted the dispatch and answers from here on. */
  handOver(owner: string): void {
    if (this.closed) return;
    this.newOwner = owner;
    this.#close();
  }

  response(response: ResponseHead): void {
    if (!this.closed) this.#frame({ response });
  }

  /** Content in order. False: the window is used up, await drained() before more is read from the provider. */
  write(content: Uint8Array): boolean {
    if (this.closed) return true;
    for (let start = 0; start < content.length; start += frameBytesMax) {
      this.#frame({ content: content.subarray(start, start + frameBytesMax) });
    }
    return this.#hasRoom();
  }

  /** Resolves when ingress has consumed enough for more to be written, or the answer is over. */
  drained(): Promise<void> {
    if (this.#hasRoom() || this.closed) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  end(end: Omit<End, 'contentBytes'>): void {
    if (this.closed) return;
    this.#frame({ end: { ...end, contentBytes: this.#offset } });
    this.#close();
  }

  /** A whole answer in one frame where it fits, with pipeline's head when this is frame 0. */
  complete(answer: {
    head?: PipelineHead;
    response: ResponseHead;
    content: Uint8Array;
    end: Omit<End, 'contentBytes'>;
  }): void {
    if (this.closed) return;
    const { head, response, content } = answer;
    if (content.length > completeBytesMax) {
      throw new RangeError(`a complete answer has at most ${completeBytesMax} bytes, this one ${content.length}`);
    }
    this.#frame({ head, response, content, end: { ...answer.end, contentBytes: content.length } });
    this.#close();
  }

  // From ingress

  credit(consumed: number, window: number): void {
    if (consumed > this.#consumed) {
      this.#consumed = consumed;
      this.#forgetConsumed();
    }
    this.#window = window;
    if (this.#waiting && this.#hasRoom()) this.#release();
  }

  cancel(reason: string): void {
    if (this.cancelled) return;
    this.cancelled = true;
    const running = !this.closed;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#close();
    if (running) this.#options.onCancel(reason);
  }

  resend(fromSequence: number): void {
    for (const frame of this.#kept) {
      if (frame.sequence >= fromSequence) this.#send(frame);
    }
  }

  /** A beat of ingress says what it has; frames that were not under way just now are sent again. */
  listed(awaitedSequence: number): void {
    const now = this.#options.now();
    this.listedAtMs = now;
    if (awaitedSequence < this.#sequence && now - this.#sentAtMs >= 1000) this.resend(awaitedSequence);
  }

  #hasRoom(): boolean {
    return this.#offset - this.#consumed < this.#window;
  }

  #frame(part: Partial<Frame>): void {
    const content = part.content ?? emptyContent;
    const frame: Frame = {
      sequence: this.#sequence++,
      head: part.head,
      response: part.response,
      offset: this.#offset,
      content,
      end: part.end,
    };
    this.#offset += content.length;
    this.#kept.push(frame);
    this.#keptBytes += content.length;
    this.#send(frame);
  }

  #send(frame: Frame): void {
    this.#sentAtMs = this.#options.now();
    this.#options.send(this.ingressInbox, { requestId: this.requestId, body: { $case: 'frame', value: frame } });
  }

  #forgetConsumed(): void {
    let count = 0;
    for (const frame of this.#kept) {
      // A frame without content, like the response's, has arrived when content behind it was consumed.
      const arrived = frame.content.length === 0 ? frame.offset < this.#consumed : endOf(frame) <= this.#consumed;
      if (!arrived) break;
      this.#keptBytes -= frame.content.length;
      count++;
    }
    if (count > 0) this.#kept.splice(0, count);
  }

  #release(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#release();
    this.#options.onClosed(this);
  }
}

function endOf({ offset, content }: Frame): number {
  return offset + content.length;
}

const emptyContent = new Uint8Array(0);
