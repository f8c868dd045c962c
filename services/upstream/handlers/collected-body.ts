import type { IncomingHttpHeaders } from 'node:http';
import type { Surface } from '@tollgate/contracts';
import type { Fault } from '../domain/fault.ts';
import { parseRecord } from '../domain/json.ts';
import { type GoodAnswer, readJsonAnswer } from '../domain/json-answer.ts';
import { type ProviderError, readProviderError } from '../domain/provider-error.ts';
import { retryAfterMs } from '../domain/retry-after.ts';
import type { MeasuredUsage } from '../domain/usage.ts';
import type { Translation } from '../providers/index.ts';

interface CollectedAnswer extends Omit<GoodAnswer, 'kind'> {
  kind: 'json';
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** `usage`: what an answer that failed said that it used. */
export type Collected = CollectedAnswer | { kind: 'fault'; fault: Fault; usage?: MeasuredUsage };

/** A provider's error page above this size does not pass. */
const refusalBytesMax = 200 * 1024;

/** A provider's body that is read whole before anything is made of it: a JSON answer, or an error. */
export class CollectedBody {
  readonly #status: number;
  readonly #headers: IncomingHttpHeaders;
  readonly #bytesMax: number;
  readonly #translation: Translation | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** @param translation undefined: the provider speaks OpenAI's wire */
  constructor(
    status: number,
    headers: IncomingHttpHeaders,
    answerBytesMax: number,
    translation?: Translation | undefined,
  ) {
    this.#translation = translation;
    this.#status = status;
    this.#headers = headers;
    this.#bytesMax = status === 200 ? answerBytesMax : refusalBytesMax;
  }

  /** @returns false when the body is larger than may be */
  push(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) {
      this.#parts = [];
      return this.#status !== 200;
    }
    this.#parts.push(chunk);
    return true;
  }

  end(surface: Surface): Collected {
    return this.#status === 200 ? this.#answer(surface) : this.#refusal();
  }

  #answer(surface: Surface): Collected {
    const whole = this.#whole();
    const body = this.#translation ? this.#translation.answer(whole) : whole;
    const answer = readJsonAnswer(surface, body);
    switch (answer.kind) {
      case 'answer':
        return { ...answer, kind: 'json', headers: this.#headers, body };
      case 'garbage':
        return { kind: 'fault', fault: answer };
      case 'error':
        return { ...this.#said(answer.status, answer.error, undefined), usage: answer.usage };
    }
  }

  #refusal(): Collected {
    if (this.#status < 400) return { kind: 'fault', fault: { kind: 'garbage', reason: `status ${this.#status}` } };
    const whole = this.#bytes > this.#bytesMax ? Buffer.alloc(0) : this.#whole();
    const said = { status: this.#status, body: whole };
    const { status, body } = this.#translation ? this.#translation.refusal(said.status, whole) : said;
    const error = parseRecord(body.toString('utf8'))?.error;
    return this.#said(status, readProviderError(error), error == null ? undefined : body);
  }

  #said(status: number, error: ProviderError, body: Buffer | undefined): Collected {
    const refusal = body && { contentType: 'application/json', body };
    const wait = retryAfterMs(this.#headers, Date.now());
    return { kind: 'fault', fault: { kind: 'status', status, error, refusal, retryAfterMs: wait } };
  }

  #whole(): Buffer {
    const [first] = this.#parts;
    return this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
  }
}
