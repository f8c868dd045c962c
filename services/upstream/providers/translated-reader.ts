import type { TokenCounts } from '@tollgate/contracts';
import type { Step, StreamReader } from '../domain/stream/reader.ts';
import { dropped, passQuiet } from '../domain/stream/reader.ts';
import type { SseEvent } from '../domain/stream/sse.ts';
import type { Beside, MeasuredUsage } from '../domain/usage.ts';
import type { StreamTranslator } from './wire.ts';

/** Follows a stream of another wire as if it were OpenAI's: what the translator makes of it goes through the surface's reader. */
export class TranslatedReader implements StreamReader {
  readonly #reader: StreamReader;
  readonly #translator: StreamTranslator;

  constructor(reader: StreamReader, translator: StreamTranslator) {
    this.#reader = reader;
    this.#translator = translator;
  }

  get usage(): MeasuredUsage | undefined {
    return this.#reader.usage;
  }

  get begun(): TokenCounts | undefined {
    return this.#translator.begun;
  }

  get beside(): Beside {
    return this.#reader.beside;
  }

  get textBytes(): number {
    return this.#reader.textBytes;
  }

  read(event: SseEvent, contentSent: boolean): Step {
    if (event.data === undefined) return passQuiet;
    const translated = this.#translator.read(event);
    return translated.kind === 'events' ? this.#through(translated.events, contentSent) : translated;
  }

  ended(): Step | undefined {
    return this.#reader.ended();
  }

  canonical(): Uint8Array | undefined {
    return this.#reader.canonical();
  }

  /** Several events leave as one block of bytes; the last of them decides what comes of the stream. */
  #through(events: readonly SseEvent[], contentSent: boolean): Step {
    const blocks: Buffer[] = [];
    let content = false;
    for (const event of events) {
      const step = this.#reader.read(event, contentSent || content);
      if (step.kind === 'drop') continue;
      if (step.kind !== 'pass' && step.kind !== 'last') return step;
      blocks.push(step.rewritten ?? blockOf(event));
      if (step.kind === 'last') return { ...step, rewritten: Buffer.concat(blocks) };
      content ||= step.content;
    }
    return blocks.length === 0 ? dropped : { kind: 'pass', content, rewritten: Buffer.concat(blocks) };
  }
}

function blockOf({ name, data = '' }: SseEvent): Buffer {
  return Buffer.from(name === '' ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`);
}
