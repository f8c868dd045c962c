import type { TokenCounts } from '@tollgate/contracts';
import type { Refusal } from '../fault.ts';
import type { ProviderError } from '../provider-error.ts';
import type { Beside, MeasuredUsage } from '../usage.ts';
import type { Insertion } from './byte-runs.ts';
import type { SseEvent } from './sse.ts';

/** What to do with one event of a provider's stream. */
export type Step =
  /** On to the caller as it came, with `inserted`, or as `rewritten`. `content`: it holds text, reasoning, a refusal or a tool's delta. */
  | { kind: 'pass'; content: boolean; rewritten?: Buffer; inserted?: Insertion }
  /** Nothing of it is for the caller. */
  | { kind: 'drop' }
  /** The last event of a whole stream; nothing may follow it. `failed`: the provider itself says that it failed. */
  | { kind: 'last'; rewritten?: Buffer; failed: boolean }
  | { kind: 'error'; status: number; error: ProviderError; refusal: Refusal | undefined }
  | { kind: 'garbage'; reason: string };

/** Follows one surface's stream, event by event. */
export interface StreamReader {
  /** @param contentSent the caller has had content already */
  read(event: SseEvent, contentSent: boolean): Step;
  /** The provider closed the stream without a last event: what that means, undefined for a mere cut. */
  ended(): Step | undefined;
  readonly usage: MeasuredUsage | undefined;
  /** What the provider said of the prompt before the end, where it does: an estimate has only to guess the rest. */
  readonly begun?: TokenCounts | undefined;
  /** What else the stream said of its cost so far, for an estimate. */
  readonly beside: Beside;
  /** Bytes of generated text so far, for an estimate. */
  readonly textBytes: number;
  /** The whole answer as JSON, when the stream was complete and may be kept in a cache. */
  canonical(): Uint8Array | undefined;
}

/** Priced at the moment in which the stream tells its usage. @returns dollars as text */
export type PriceUsage = (usage: MeasuredUsage) => string;

/** Events that some servers add and official clients do not know. */
export const foreignEvents: ReadonlySet<string> = new Set(['ping', 'keepalive']);

export const passQuiet: Step = { kind: 'pass', content: false };
export const passContent: Step = { kind: 'pass', content: true };
export const dropped: Step = { kind: 'drop' };
