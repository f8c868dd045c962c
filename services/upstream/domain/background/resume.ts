import type { BackgroundChunk } from '@tollgate/contracts';
import { readEvent, SseSplitter } from '../stream/sse.ts';
import { firstSequence } from './response-object.ts';

/** What becomes of a piece of a run's events for one reader. */
export type Resumed = { kind: 'events'; bytes: Buffer } | { kind: 'lost' };

const numberPattern = /"sequence_number":(\d+)/;
/** Events were bounded when they were kept. */
const eventBytesMax = Number.MAX_SAFE_INTEGER;

/**
 * One reader's way through the events of a response: from the beginning or from behind an event that it has seen. A run that is lost
 * begins anew, with other text: whoever has read some of it must not read on in another's.
 */
export class Resume {
  /** The number of the last event that the reader has; -1: none. */
  sequence: number;
  #run: number;
  /** The reader has events of that run. */
  #inside: boolean;
  #splitter = new SseSplitter(eventBytesMax);

  /**
   * @param startingAfter the event behind which it goes on; undefined: from the beginning
   * @param run the one that runs or ran last, or the first or next one while none does
   * @param runSequence the number of its first event
   */
  constructor(startingAfter: number | undefined, run: number, runSequence: number) {
    this.sequence = startingAfter ?? -1;
    this.#run = run;
    this.#inside = this.sequence >= firstSequence;
    this.lost = this.#inside && this.sequence < runSequence;
  }

  /** The event that it has seen last belongs to a run that was lost. */
  readonly lost: boolean;

  read({ run, content }: BackgroundChunk): Resumed {
    if (run > 0 && run < this.#run) return { kind: 'events', bytes: Buffer.alloc(0) };
    if (run > this.#run) {
      if (this.#inside) return { kind: 'lost' };
      this.#run = run;
      this.#splitter = new SseSplitter(eventBytesMax);
    }
    const events: Buffer[] = [];
    const chunk = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    this.#splitter.push(chunk, (buffer, start, end) => {
      const number = numberOf(readEvent(buffer, start, end).data ?? '');
      if (number <= this.sequence) return;
      this.sequence = number;
      events.push(buffer.subarray(start, end));
    });
    if (run > 0 && events.length > 0) this.#inside = true;
    return { kind: 'events', bytes: Buffer.concat(events) };
  }
}

/** It stands before anything that a provider wrote. */
function numberOf(data: string): number {
  return Number(numberPattern.exec(data)?.[1] ?? -1);
}
