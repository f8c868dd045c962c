import type { Entry } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';

/** Data of one part. */
const partBytesMax = 128 * 1024;
/** The sender may be this far ahead of what the acceptor has received. */
const windowBytes = 1024 * 1024;
/** Without a further part or credit for this long, the transfer is given up. */
const silenceMsMax = 3000;

interface Incoming {
  buffer: Uint8Array;
  received: number;
  credited: number;
  done: PromiseWithResolvers<Uint8Array>;
  from: string;
  timer: NodeJS.Timeout;
}

interface Outgoing {
  body: Uint8Array;
  to: string;
  sent: number;
  timer: NodeJS.Timeout;
}

/** Moves bodies above one message's size from the owner to the next one, in parts, under credit. */
export class Bodies {
  readonly #incoming = new Map<string, Incoming>();
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #send: (toInbox: string, entry: Entry) => void;

  constructor(send: (toInbox: string, entry: Entry) => void) {
    this.#send = send;
  }

  /** Called by the acceptor, before it says Accepted. @throws TollgateError `overloaded` when parts stop coming. */
  receive(requestId: string, bodyBytes: number, fromInbox: string): Promise<Uint8Array> {
    const done = Promise.withResolvers<Uint8Array>();
    const timer = setTimeout(() => this.#fail(requestId), silenceMsMax);
    this.#incoming.set(requestId, {
      buffer: new Uint8Array(bodyBytes),
      received: 0,
      credited: 0,
      done,
      from: fromInbox,
      timer,
    });
    return done.promise;
  }

  /** Called by the sender once the acceptor is known. */
  send(requestId: string, body: Uint8Array, toInbox: string): void {
    const timer = setTimeout(() => this.#outgoing.delete(requestId), silenceMsMax);
    const outgoing = { body, to: toInbox, sent: 0, timer };
    this.#outgoing.set(requestId, outgoing);
    this.#sendUpTo(requestId, outgoing, windowBytes);
  }

  entry(entry: Entry): void {
    if (entry.body?.$case === 'bodyPart') this.#part(entry.requestId, entry.body.value.offset, entry.body.value.data);
    if (entry.body?.$case === 'bodyCredit') {
      const outgoing = this.#outgoing.get(entry.requestId);
      if (!outgoing) return;
      outgoing.timer.refresh();
      this.#sendUpTo(entry.requestId, outgoing, entry.body.value.received + windowBytes);
    }
  }

  /** The request ended before its body had moved. */
  forget(requestId: string): void {
    const outgoing = this.#outgoing.get(requestId);
    if (outgoing) clearTimeout(outgoing.timer);
    this.#outgoing.delete(requestId);
    if (this.#incoming.has(requestId)) this.#fail(requestId);
  }

  #part(requestId: string, offset: number, data: Uint8Array): void {
    const incoming = this.#incoming.get(requestId);
    if (!incoming) return;
    // A lost part cannot be repaired here: the request was not owned yet, so ingress or pipeline answers for it.
    if (offset !== incoming.received || offset + data.length > incoming.buffer.length) {
      this.#fail(requestId);
      return;
    }
    incoming.buffer.set(data, offset);
    incoming.received += data.length;
    incoming.timer.refresh();
    if (incoming.received === incoming.buffer.length) {
      clearTimeout(incoming.timer);
      this.#incoming.delete(requestId);
      incoming.done.resolve(incoming.buffer);
      return;
    }
    if (incoming.received - incoming.credited >= windowBytes / 2) {
      incoming.credited = incoming.received;
      this.#send(incoming.from, { requestId, body: { $case: 'bodyCredit', value: { received: incoming.received } } });
    }
  }

  #sendUpTo(requestId: string, outgoing: Outgoing, limit: number): void {
    const end = Math.min(limit, outgoing.body.length);
    while (outgoing.sent < end) {
      const data = outgoing.body.subarray(outgoing.sent, Math.min(outgoing.sent + partBytesMax, end));
      this.#send(outgoing.to, { requestId, body: { $case: 'bodyPart', value: { offset: outgoing.sent, data } } });
      outgoing.sent += data.length;
    }
    if (outgoing.sent === outgoing.body.length) {
      clearTimeout(outgoing.timer);
      this.#outgoing.delete(requestId);
    }
  }

  #fail(requestId: string): void {
    const incoming = this.#incoming.get(requestId);
    if (!incoming) return;
    clearTimeout(incoming.timer);
    this.#incoming.delete(requestId);
    const internal = `body stopped at ${incoming.received} of ${incoming.buffer.length} bytes`;
    incoming.done.reject(new TollgateError('overloaded', { internal }));
  }
}
