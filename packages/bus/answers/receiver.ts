import type { Entry, ErrorDetail, Frame } from '@tollgate/contracts';

export interface AnswerHandlers {
  onAccepted?(controlSubject: string): void;
  /** The taker could not own it. */
  onRejected?(error: ErrorDetail | undefined): void;
  /** In order, each once: frame 0 has the head, 1 the response (or both in one), the last the end. */
  onFrame(frame: Frame): void;
  /** The owner is gone: its beats stopped, or no longer name this request. `dispatched`: an upstream had it. */
  onLost(dispatched: boolean): void;
}

export interface AnswerReceiverOptions {
  requestId: string;
  handlers: AnswerHandlers;
  send(toInbox: string, entry: Entry): void;
  onClosed(receiver: AnswerReceiver): void;
  now(): number;
}

/** Frames that may wait for an earlier one; what comes beyond is dropped and asked for again. */
const heldFramesMax = 256;
/** Windows: a stream starts with the sender's, a JSON answer above one frame grows to this. */
export const jsonWindowBytes = 1024 * 1024;
const streamWindowBytes = 16 * 1024;

/** Ingress's side of one answer: puts frames in order, notices gaps, gives credit, knows the owner. */
export class AnswerReceiver {
  readonly requestId: string;
  /** Where cancel and credit go: pipeline from its acceptance, upstream from frame 0 on; empty before. */
  owner = '';
  /** When the owner last showed that it has this request. */
  seenAtMs: number;
  closed = false;
  readonly #options: AnswerReceiverOptions;
  readonly #held = new Map<number, { frame: Frame; from: string }>();
  #expected = 0;
  #window = streamWindowBytes;
  #consumed = 0;
  #credited = 0;
  #dispatched = false;
  #upstream = '';

  constructor(options: AnswerReceiverOptions) {
    this.#options = options;
    this.requestId = options.requestId;
    this.seenAtMs = options.now();
  }

  /** The sequence of the frame that is waited for. */
  get nextSequence(): number {
    return this.#expected;
  }

  accepted(controlSubject: string): void {
    this.seenAtMs = this.#options.now();
    if (this.owner === '') {
      this.owner = controlSubject;
      this.#options.handlers.onAccepted?.(controlSubject);
    } else if (!this.closed) {
      // An upstream handed the request on to another one; frame 0 may still be under way.
      this.#upstream = controlSubject;
      if (this.#expected > 0) this.owner = controlSubject;
    }
  }

  /** The owner says who owns it now. */
  handedOver(owner: string): void {
    this.owner = owner;
    this.#upstream = owner;
    this.#dispatched = true;
  }

  rejected(error: ErrorDetail | undefined): void {
    if (!this.closed) this.#options.handlers.onRejected?.(error);
  }

  frame(from: string, frame: Frame): void {
    if (this.closed) return;
    this.seenAtMs = this.#options.now();
    this.#from(from, frame);
    if (frame.sequence < this.#expected) return;
    if (frame.sequence > this.#expected) {
      this.#hold(from, frame);
      return;
    }
    this.#take(frame);
    for (let held = this.#held.get(this.#expected); held && !this.closed; held = this.#held.get(this.#expected)) {
      this.#held.delete(this.#expected);
      this.#take(held.frame);
    }
  }

  /** JSON answers above one frame may run further ahead than streams. */
  grow(windowBytes: number): void {
    this.#window = windowBytes;
    this.#credit();
  }

  /** The bytes have left for the caller. */
  consumed(bytes: number): void {
    this.#consumed += bytes;
    if (!this.closed && this.#consumed - this.#credited >= this.#window / 2) this.#credit();
  }

  /** The caller left, or ingress has answered without waiting for the end. */
  cancel(reason: string): void {
    if (this.closed) return;
    for (const inbox of new Set([this.owner, this.#upstream])) {
      if (inbox !== '')
        this.#options.send(inbox, { requestId: this.requestId, body: { $case: 'cancel', value: { reason } } });
    }
    this.#close();
  }

  /** Called by the beats: the owner is not there any more. */
  lost(): void {
    if (this.closed) return;
    const dispatched = this.#dispatched;
    this.cancel('superseded');
    this.#options.handlers.onLost(dispatched);
  }

  /** Frame 0 is pipeline's and leaves with the dispatch; the later ones come from whoever owns the request. */
  #from(from: string, { sequence, head }: Frame): void {
    if (head) {
      if (this.owner === '') this.owner = from;
      this.#dispatched = true;
    } else if (sequence > 0) {
      this.#upstream = from;
    }
  }

  #hold(from: string, frame: Frame): void {
    if (this.#held.size < heldFramesMax) this.#held.set(frame.sequence, { frame, from });
    // Frames 0 and 1 have different publishers and may overtake each other; a gap behind them is a lost frame.
    if (this.#expected > 0 && this.owner !== '' && this.#held.size === 1) {
      const body: Entry['body'] = { $case: 'resend', value: { fromSequence: this.#expected } };
      this.#options.send(this.owner, { requestId: this.requestId, body });
    }
  }

  #take(frame: Frame): void {
    this.#expected = frame.sequence + 1;
    // Until frame 0 is here only pipeline can send it again.
    if (this.#upstream !== '') this.owner = this.#upstream;
    if (frame.end) this.#close();
    this.#options.handlers.onFrame(frame);
  }

  #credit(): void {
    if (this.owner === '') return;
    this.#credited = this.#consumed;
    const value = { consumed: this.#consumed, window: this.#window };
    this.#options.send(this.owner, { requestId: this.requestId, body: { $case: 'credit', value } });
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#held.clear();
    this.#options.onClosed(this);
  }
}
