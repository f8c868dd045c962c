import { completeBytesMax } from '@tollgate/bus';
import { isRecord, isText, type JsonRecord } from '../json.ts';

/**
 * Puts the events of a messages stream together to the message that JSON would have given, for the cache. It holds no more than a
 * cache hit may send; an answer with anything but text, or that did not end by itself, it gives up.
 */
export class MessageAssembler {
  #message: JsonRecord | undefined;
  readonly #blocks: { block: JsonRecord; texts: string[]; citations: unknown[] }[] = [];
  #end: JsonRecord | undefined;
  #bytes = 0;
  #unfit = false;

  /** @param event one `data:` event, parsed; not changed */
  add(event: JsonRecord): void {
    if (this.#unfit) return;
    switch (event.type) {
      case 'message_start':
        if (isRecord(event.message)) this.#message = event.message;
        break;
      case 'content_block_start':
        this.#begin(event.content_block);
        break;
      case 'content_block_delta':
        this.#addDelta(event.delta);
        break;
      case 'message_delta':
        this.#end = event;
        break;
    }
    if (this.#bytes > completeBytesMax) this.#giveUp();
  }

  /** The message; undefined when the events are no whole answer or not one to keep. */
  finish(): JsonRecord | undefined {
    const message = this.#message;
    const delta = this.#end?.delta;
    if (this.#unfit || !message || !isRecord(delta)) return undefined;
    const { stop_reason, stop_sequence = null } = delta;
    if (stop_reason !== 'end_turn' && stop_reason !== 'stop_sequence') return undefined;
    const content = this.#blocks.map(({ block, texts, citations }) => ({
      ...block,
      text: texts.join(''),
      ...(citations.length > 0 && { citations }),
    }));
    const told = [message.usage, this.#end?.usage].map((usage) => (isRecord(usage) ? usage : {}));
    return { ...message, content, stop_reason, stop_sequence, usage: { ...told[0], ...told[1] } };
  }

  #begin(block: unknown): void {
    if (isRecord(block) && block.type === 'text') this.#blocks.push({ block, texts: [], citations: [] });
    else this.#giveUp();
  }

  #addDelta(delta: unknown): void {
    const last = this.#blocks.at(-1);
    if (!isRecord(delta) || !last) return;
    if (delta.type === 'text_delta' && isText(delta.text)) {
      last.texts.push(delta.text);
      this.#bytes += Buffer.byteLength(delta.text);
    } else if (delta.type === 'citations_delta') {
      last.citations.push(delta.citation);
      this.#bytes += JSON.stringify(delta.citation)?.length ?? 0;
    }
  }

  #giveUp(): void {
    this.#unfit = true;
    this.#blocks.length = 0;
  }
}
