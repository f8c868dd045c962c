import { Worker } from 'node:worker_threads';
import type { ErrorDetail, GuardReply, Surface } from '@tollgate/contracts';
import { type ErrorCode, TollgateError } from '@tollgate/errors';
import { Body } from '../domain/body/body.ts';
import { type BodyIndex, indexBody } from '../domain/body/index-body.ts';
import type { Job } from './parse-worker.ts';
import type { PiiAddress } from './pii-request.ts';

/** Above it a parse would keep small requests waiting for milliseconds: it is done in a worker thread. */
const mainThreadBytesMax = 256 * 1024;
/** Large bodies in the hands of the worker at once; beyond it 503. */
const waitingMax = 64;

export interface ReadBody {
  body: Body;
  /** Of a large body: its texts as an encoded GuardRequest, when somebody masks them. */
  encodedPii: Uint8Array | undefined;
}

interface Reply {
  id: number;
  body?: Uint8Array;
  index?: BodyIndex;
  encodedPii?: Uint8Array;
  said?: GuardReply['result'];
  error?: ErrorDetail;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** Omit over each member of a union. */
type WithoutId<T> = T extends { id: number } ? Omit<T, 'id'> : never;

/** Reads bodies: small ones here, large ones in a worker thread that is started with the first of them. */
export class ParsePool {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;

  /**
   * @param bounded also looks for what a body's size does not bound
   * @throws TollgateError `invalid_json`, `invalid_request`, `overloaded`
   */
  read(bytes: Buffer, surface: Surface, pii: PiiAddress | undefined, bounded: boolean): ReadBody | Promise<ReadBody> {
    if (bytes.length <= mainThreadBytesMax)
      return { body: new Body(bytes, indexBody(bytes, surface, bounded)), encodedPii: undefined };
    return this.#readElsewhere(bytes, surface, pii, bounded);
  }

  /** Puts a large answer of guard-pii into its body; `said` is the answer without its texts. @throws TollgateError */
  async mask(
    { bytes, index }: Body,
    reply: Uint8Array<ArrayBuffer>,
  ): Promise<{ body: Body; said: GuardReply['result'] }> {
    const own = owned(bytes);
    const answer = await this.#run({ kind: 'mask', body: own, index, reply }, [own.buffer, reply.buffer]);
    return { body: bodyOf(answer), said: answer.said };
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #readElsewhere(
    bytes: Buffer,
    surface: Surface,
    pii: PiiAddress | undefined,
    bounded: boolean,
  ): Promise<ReadBody> {
    const own = owned(bytes);
    const reply = await this.#run({ kind: 'read', body: own, surface, pii, bounded }, [own.buffer]);
    return { body: bodyOf(reply), encodedPii: reply.encodedPii };
  }

  #run(job: WithoutId<Job>, transfer: ArrayBuffer[]): Promise<Reply> {
    if (this.#waiting.size >= waitingMax) {
      throw new TollgateError('overloaded', { retryAfterMs: 1000, internal: 'too many large bodies' });
    }
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ ...job, id }, transfer);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./parse-worker.ts', import.meta.url));
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error) => this.#failAll(error));
    worker.unref();
    return worker;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.error) waiting?.reject(new TollgateError(reply.error.code as ErrorCode, reply.error));
    else waiting?.resolve(reply);
  }

  /** A worker that broke is replaced by the next large body; those that it had fail. */
  #failAll(error: Error): void {
    this.#worker = undefined;
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new TollgateError('internal_error', { internal: String(error) }));
    }
    this.#waiting.clear();
  }
}

function bodyOf({ body, index }: Reply): Body {
  if (!body || !index)
    throw new TollgateError('internal_error', { internal: 'the parse worker answered without a body' });
  return new Body(Buffer.from(body.buffer, body.byteOffset, body.byteLength), index);
}

/** Bytes that have their buffer for themselves, so that it can be handed over instead of copied. */
function owned(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return whole ? new Uint8Array(bytes.buffer as ArrayBuffer) : new Uint8Array(bytes);
}
