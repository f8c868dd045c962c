import { Worker } from 'node:worker_threads';
import type { ErrorDetail, Surface } from '@tollgate/contracts';
import { type ErrorCode, TollgateError } from '@tollgate/errors';
import { Body } from '../domain/body/body.ts';
import { type BodyIndex, indexBody } from '../domain/body/index-body.ts';

/** Above it a parse would keep small requests waiting for milliseconds: it is done in a worker thread. */
const mainThreadBytesMax = 256 * 1024;
/** Large bodies in the hands of the workers at once; beyond it 503. */
const waitingMax = 64;

interface Waiting {
  resolve(body: Body): void;
  reject(error: Error): void;
}

interface Reply {
  id: number;
  body?: Uint8Array;
  index?: BodyIndex;
  error?: ErrorDetail;
}

/** Reads bodies: small ones here, large ones in a worker thread that is started with the first of them. */
export class ParsePool {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;

  /** @throws TollgateError `invalid_json`, `invalid_request`, `overloaded` */
  read(bytes: Buffer, surface: Surface): Body | Promise<Body> {
    if (bytes.length <= mainThreadBytesMax) return new Body(bytes, indexBody(bytes, surface));
    if (this.#waiting.size >= waitingMax)
      throw new TollgateError('overloaded', { retryAfterMs: 1000, internal: 'too many large bodies' });
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker ??= this.#start();
      const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
      this.#worker.postMessage({ id, body: whole, surface }, [whole.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./parse-worker.ts', import.meta.url));
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error) => this.#failAll(error));
    worker.unref();
    return worker;
  }

  #settle({ id, body, index, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!waiting) return;
    if (body && index) waiting.resolve(new Body(Buffer.from(body.buffer, body.byteOffset, body.byteLength), index));
    else waiting.reject(new TollgateError(error?.code as ErrorCode, error));
  }

  /** A worker that broke is replaced by the next large body; those that it had fail. */
  #failAll(error: Error): void {
    this.#worker = undefined;
    for (const waiting of this.#waiting.values())
      waiting.reject(new TollgateError('internal_error', { internal: String(error) }));
    this.#waiting.clear();
  }
}
