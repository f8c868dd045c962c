import { type Beat, type Entry, Envelope, encode } from '@tollgate/contracts';
import { payloadBytesMax } from './subjects.ts';
import type { Turn } from './turn.ts';

export interface MailboxOptions {
  /** Our own inbox, the `from` of every envelope. */
  inbox: string;
  turn: Turn;
  /** For inboxes in this process; false: it is not here. */
  sayHere(inbox: string, entries: Entry[], beat: Beat | undefined): boolean;
  /** False while the bus is away: what was said meanwhile is dropped and repaired by beats. */
  publish(subject: string, bytes: Uint8Array): boolean;
  onDropped(entries: number): void;
}

interface Outgoing {
  entries: Entry[];
  beat: Beat | undefined;
  bytes: number;
}

/** Entry fields around a payload: ids, tags and lengths, generously. */
const entryOverheadBytes = 128;

/**
 * Says entries to other replicas. All that is said to one inbox in a turn of the event loop leaves in one envelope, in
 * the order in which it was said, split where an envelope would exceed the bus's message size.
 */
export class Mailbox {
  readonly #outgoing = new Map<string, Outgoing>();
  /** Envelopes of this turn that are full. They wait, too: usage of the turn is written before its frames. */
  #full: [inbox: string, outgoing: Outgoing][] = [];
  readonly #options: MailboxOptions;
  #onEntry: (from: string, entry: Entry) => void = () => {};
  #onBeat: (from: string, beat: Beat) => void = () => {};

  constructor(options: MailboxOptions) {
    this.#options = options;
    options.turn.step(() => this.#flush());
  }

  onEntry(handler: (from: string, entry: Entry) => void): void {
    this.#onEntry = handler;
  }

  onBeat(handler: (from: string, beat: Beat) => void): void {
    this.#onBeat = handler;
  }

  send(toInbox: string, entry: Entry): void {
    const bytes = payloadBytes(entry);
    let outgoing = this.#outgoing.get(toInbox);
    if (outgoing && outgoing.bytes + bytes > payloadBytesMax) {
      this.#full.push([toInbox, outgoing]);
      outgoing = undefined;
    }
    if (!outgoing) {
      outgoing = { entries: [], beat: undefined, bytes: 0 };
      this.#outgoing.set(toInbox, outgoing);
      this.#options.turn.request();
    }
    outgoing.entries.push(entry);
    outgoing.bytes += bytes;
  }

  sendBeat(toInbox: string, beat: Beat): void {
    this.#publish(toInbox, { entries: [], beat, bytes: 0 });
  }

  receive(bytes: Uint8Array): void {
    const { from, entries, beat } = Envelope.decode(bytes);
    this.hear(from, entries, beat);
  }

  hear(from: string, entries: readonly Entry[], beat: Beat | undefined): void {
    if (beat) this.#onBeat(from, beat);
    for (const entry of entries) this.#onEntry(from, entry);
  }

  #flush(): void {
    if (this.#outgoing.size === 0) return;
    if (this.#full.length > 0) {
      for (const [inbox, outgoing] of this.#full) this.#publish(inbox, outgoing);
      this.#full = [];
    }
    for (const [inbox, outgoing] of this.#outgoing) this.#publish(inbox, outgoing);
    this.#outgoing.clear();
  }

  #publish(inbox: string, { entries, beat }: Outgoing): void {
    if (this.#options.sayHere(inbox, entries, beat)) return;
    const bytes = encode(Envelope, { from: this.#options.inbox, entries, beat });
    if (!this.#options.publish(inbox, bytes)) this.#options.onDropped(entries.length);
  }
}

function payloadBytes(entry: Entry): number {
  if (entry.body?.$case === 'frame')
    return entryOverheadBytes + entry.body.value.content.length + headBytes(entry.body.value);
  if (entry.body?.$case === 'bodyPart') return entryOverheadBytes + entry.body.value.data.length;
  return entryOverheadBytes;
}

/** Headers and placeholder maps are bounded at ingress; this is their place in the sum. */
function headBytes(frame: { head?: unknown; response?: unknown }): number {
  return frame.head || frame.response ? 2048 : 0;
}
