import type { StoredCall, Surface, Target, TokenCounts } from '@tollgate/contracts';
import type { Refusal } from '../domain/fault.ts';
import type { ProviderError } from '../domain/provider-error.ts';
import type { SseEvent } from '../domain/stream/sse.ts';

/** How one type of provider is called. */
export interface ProviderWire {
  /** Path and query of a call, for the origin of the provider's endpoint. @throws RangeError for a surface it lacks */
  path(surface: Surface, deployment: string): string;
  /** How a response is asked for by the provider's own id of it. @throws RangeError for an action that it lacks */
  stored(call: StoredCall): { method: 'POST' | 'GET' | 'DELETE'; path: string };
  /** The credential, and what else this provider wants with each call. @param key undefined: the endpoint needs none */
  headers(key: string | undefined, requestId: string): string[];
  /** Whether a refusal of this status and code is billed, by what the provider documents. */
  billsRefusal(status: number, code: string): boolean;
  /**
   * One call of a surface that the provider does not speak itself, in its own wire. Absent: it speaks OpenAI's. Undefined:
   * this surface it speaks itself.
   * @throws TollgateError `invalid_request` that names what of the request has no counterpart there
   */
  translate?(call: CallToTranslate): Translation | undefined;
}

export interface CallToTranslate {
  surface: Surface;
  /** As the caller wrote it, in OpenAI's wire. */
  body: Buffer;
  target: Pick<Target, 'deployment' | 'baseModel'>;
  /** What the configuration says of the model's output, in tokens. */
  outputTokensMax: number | undefined;
  /** Milliseconds since the epoch: when answers say that they were made. */
  nowMs: number;
}

/** One call in the provider's own wire, and the way back: what the rest of this service sees of it is OpenAI's. */
export interface Translation {
  body: Buffer;
  /** The body of a 200; what is no answer stays as it is. */
  answer(body: Buffer): Buffer;
  /** A refusal, and the status that it stands for. */
  refusal(status: number, body: Buffer): { status: number; body: Buffer };
  /** For one stream. */
  stream(): StreamTranslator;
}

/** Follows one stream of the provider's. */
export interface StreamTranslator {
  read(event: SseEvent): Translated;
  /** What the provider said of the prompt before its end. */
  readonly begun: TokenCounts | undefined;
}

/** What an event of the provider's means in OpenAI's wire. */
export type Translated =
  /** None: nothing of it is for the caller. */
  | { kind: 'events'; events: readonly SseEvent[] }
  | { kind: 'error'; status: number; error: ProviderError; refusal: Refusal }
  | { kind: 'garbage'; reason: string };
