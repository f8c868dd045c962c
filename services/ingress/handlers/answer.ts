import type { ServerResponse } from 'node:http';
import { type AnswerReceiver, jsonWindowBytes } from '@tollgate/bus';
import { type End, type ErrorDetail, type Frame, Surface } from '@tollgate/contracts';
import { renderError } from '@tollgate/errors';
import type { Pings } from '../adapters/pings.ts';
import { shapeOf } from '../domain/shape.ts';
import { endsEvent, streamError, streamRefusal } from '../domain/stream-error.ts';

const noContent = new Uint8Array(0);
/** A sign of life that every client takes; Anthropic's own event, which its API sends for the same purpose. */
const signsOfLife = { openai: ': ping\n\n', anthropic: 'event: ping\ndata: {"type": "ping"}\n\n' };

/** Writes one answer to the caller: frames in, HTTP out. Frames arrive in order (the receiver sees to that). */
export class Answer {
  readonly requestId: string;
  /** Set by the caller of the bus once the request is under way. */
  receiver: AnswerReceiver | undefined;
  lastWriteMs = Date.now();
  readonly #response: ServerResponse;
  readonly #pings: Pings;
  #surface: Surface;
  #stream = false;
  /** Of the head and of the response. Both belong to who sent the frame, which may be a pipeline in this process. */
  #headers: Record<string, string> = {};
  #responseHeaders: Record<string, string> = {};
  #status = 200;
  /** The provider's status and headers are known. */
  #hasResponse = false;
  #lastContent: Uint8Array = noContent;
  #undrained = 0;

  /** @param surface as the path says, for what goes wrong before the head is here */
  constructor(requestId: string, response: ServerResponse, pings: Pings, surface: Surface = Surface.UNSPECIFIED) {
    this.requestId = requestId;
    this.#surface = surface;
    this.#response = response;
    this.#pings = pings;
  }

  /** Something of the answer's content went out. */
  get hasContent(): boolean {
    return this.#lastContent.length > 0;
  }

  frame(frame: Frame): void {
    if (frame.head) {
      this.#surface = frame.head.surface;
      this.#stream = frame.head.stream;
      this.#headers = frame.head.headers;
      if (this.#stream && !frame.end) this.#pings.add(this);
    }
    if (frame.response) {
      this.#hasResponse = true;
      this.#status = frame.response.httpStatus;
      this.#responseHeaders = frame.response.headers;
    }
    if (frame.end) this.#end(frame.content, frame.end);
    else if (frame.content.length > 0) this.#write(frame.content);
  }

  /** The answer cannot go on: an HTTP error while nothing was sent, else the surface's honest end of a broken answer. */
  fail(error: ErrorDetail): void {
    this.#pings.delete(this);
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    if (!response.headersSent) {
      const rendered = renderError(error, this.requestId, shapeOf(this.#surface));
      const body = Buffer.from(rendered.body);
      response.writeHead(rendered.status, {
        ...this.#headers,
        ...this.#responseHeaders,
        ...rendered.headers,
        ...this.#own(),
        'content-length': body.length,
      });
      response.end(body);
    } else if (this.#stream && endsEvent(this.#lastContent)) {
      response.end(streamError(this.#surface, error, this.requestId, this.#lastContent));
    } else {
      // Half of a JSON answer or of an event has gone out: only a broken connection tells that the rest is missing.
      response.destroy();
    }
  }

  /** The caller left. */
  abandon(): void {
    this.#pings.delete(this);
    this.receiver?.cancel('client_gone');
  }

  ping(): void {
    // A caller that does not read what is there needs no sign of life, and half an event must not be torn.
    if (this.#undrained > 0 || !endsEvent(this.#lastContent)) return;
    if (!this.#response.headersSent) this.#commit();
    this.lastWriteMs = Date.now();
    this.#response.write(signsOfLife[shapeOf(this.#surface)]);
  }

  #write(content: Uint8Array): void {
    if (!this.#response.headersSent) {
      this.#commit();
      if (!this.#stream) this.receiver?.grow(jsonWindowBytes);
    }
    this.#lastContent = content;
    this.lastWriteMs = Date.now();
    const hasRoom = this.#response.write(content);
    if (hasRoom && this.#undrained === 0) {
      this.receiver?.consumed(content.length);
      return;
    }
    if (this.#undrained === 0) this.#response.once('drain', () => this.#drained());
    this.#undrained += content.length;
  }

  #drained(): void {
    const bytes = this.#undrained;
    this.#undrained = 0;
    this.receiver?.consumed(bytes);
  }

  #end(content: Uint8Array, end: End): void {
    if (end.error) {
      if (content.length > 0) this.#write(content);
      this.fail(end.error);
      return;
    }
    this.#pings.delete(this);
    const response = this.#response;
    if (!response.headersSent) {
      response.writeHead(this.#status, {
        ...this.#headers,
        ...this.#responseHeaders,
        ...this.#own(),
        'content-length': content.length,
      });
    } else if (this.#status >= 400) {
      response.end(streamRefusal(this.#surface, content));
      return;
    }
    response.end(content);
  }

  #commit(): void {
    const headers = { ...this.#headers, ...this.#responseHeaders, ...this.#own() };
    if (this.#stream && !this.#hasResponse) {
      headers['content-type'] = 'text/event-stream; charset=utf-8';
      headers['cache-control'] = 'no-cache';
    }
    this.#response.writeHead(this.#status, headers);
  }

  #own(): Record<string, string> {
    const id = { 'x-request-id': this.requestId };
    return shapeOf(this.#surface) === 'anthropic' ? { ...id, 'request-id': this.requestId } : id;
  }
}
