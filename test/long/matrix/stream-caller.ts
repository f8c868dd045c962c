import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type Answer, pathOf, requestBody } from './caller.ts';
import type { Shape } from './faults.ts';
import type { Installation } from './installation.ts';

/** A caller that reads its stream as a test says: so far, not at all, to the end. What it does not read holds the gateway back. */
export class StreamCaller {
  readonly #request: ClientRequest;
  readonly #answered: Promise<[IncomingMessage]>;
  #response: IncomingMessage | undefined;
  #chunks: AsyncIterator<string> | undefined;
  #text = '';

  /** Asks, and does not wait: an answer may begin late. */
  constructor({ gatewayUrl, key }: Installation, proxy: string, shape: Shape, prompt: string) {
    const body = requestBody(shape, prompt);
    this.#request = request(gatewayUrl + pathOf(proxy, shape), {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'content-length': Buffer.byteLength(body) },
    });
    this.#request.end(body);
    this.#answered = once(this.#request, 'response') as Promise<[IncomingMessage]>;
    this.#answered.catch(() => undefined);
  }

  /** Of an answer that has begun. */
  get requestId(): string {
    return String(this.#response?.headers['x-request-id']);
  }

  /** @param enough looks at the whole events that have come; @throws when the stream ends before, or breaks */
  async readUntil(enough: (events: string) => boolean): Promise<void> {
    for (;;) {
      const whole = this.#text.lastIndexOf('\n\n') + 2;
      if (whole > 1 && enough(this.#text.slice(0, whole))) return;
      if (!(await this.#read())) throw new Error(`the stream ended too early: ${this.#text.slice(-500)}`);
    }
  }

  /** @throws when the connection breaks */
  async rest(): Promise<Answer> {
    while (await this.#read());
    const { statusCode = 0, headers: received } = this.#response as IncomingMessage;
    const headers = new Headers(received as Record<string, string>);
    return {
      ...{ status: statusCode, headers, requestId: this.requestId, body: this.#text },
      model: headers.get('x-tollgate-model'),
      attempts: headers.get('x-tollgate-attempts'),
    };
  }

  leave(): void {
    this.#request.destroy();
  }

  /** @returns false at the end */
  async #read(): Promise<boolean> {
    if (!this.#chunks) {
      [this.#response] = await this.#answered;
      this.#chunks = this.#response.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
    }
    const { done, value } = await this.#chunks.next();
    if (!done) this.#text += value;
    return !done;
  }
}
