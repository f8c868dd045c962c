import { isRecord, type JsonRecord, parseRecord } from '../json.ts';
import { readEvent, SseSplitter } from '../stream/sse.ts';

/** One event as it is kept, and the number of the one after it. */
export interface KeptEvent {
  bytes: Buffer;
  nextSequence: number;
}

/** The last event of a run's stream. */
export interface LastEvent {
  status: 'completed' | 'incomplete' | 'failed';
  response: JsonRecord;
}

/** Said at admission already, before anybody was called. */
const saidBefore: ReadonlySet<string> = new Set(['response.created', 'response.queued']);
const lastTypes: Readonly<Record<string, LastEvent['status']>> = {
  'response.completed': 'completed',
  'response.incomplete': 'incomplete',
  'response.failed': 'failed',
};

/**
 * A provider's events as callers read them from the background: numbered on from what was kept before, so that a number stands for
 * one event whatever happened in between. The last one is not among them: it is written with the end of the run, or not at all.
 */
export class RunEvents {
  nextSequence: number;
  /** Of generated text, for an estimate of a run that is lost. */
  textBytes = 0;
  last: LastEvent | undefined;
  readonly #splitter: SseSplitter;

  /** @param eventBytesMax a larger event is an error of the provider */
  constructor(firstSequence: number, eventBytesMax: number) {
    this.nextSequence = firstSequence;
    this.#splitter = new SseSplitter(eventBytesMax);
  }

  /** The events that these bytes complete. @throws RangeError for one that is larger than the bound */
  take(bytes: Uint8Array): KeptEvent[] {
    const kept: KeptEvent[] = [];
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#splitter.push(chunk, (buffer, start, end) => {
      const event = this.#kept(readEvent(buffer, start, end).data);
      if (event) kept.push(event);
    });
    return kept;
  }

  #kept(data: string | undefined): KeptEvent | undefined {
    const event = data === undefined ? undefined : parseRecord(data);
    if (!event || typeof event.type !== 'string' || saidBefore.has(event.type)) return undefined;
    const { type, sequence_number: _theirs, ...rest } = event;
    const { delta, response } = rest;
    const own = isRecord(response) ? { ...response, background: true } : undefined;
    const status = lastTypes[type];
    if (status && own) {
      this.last = { status, response: own };
      return undefined;
    }
    if (type.endsWith('.delta') && typeof delta === 'string') this.textBytes += Buffer.byteLength(delta);
    // The number first: readers find it without parsing what a provider wrote.
    const numbered = { type, sequence_number: this.nextSequence, ...rest, ...(own && { response: own }) };
    this.nextSequence++;
    return { bytes: eventText(type, numbered), nextSequence: this.nextSequence };
  }
}

export function eventText(type: string, event: object): Buffer {
  return Buffer.from(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
}
