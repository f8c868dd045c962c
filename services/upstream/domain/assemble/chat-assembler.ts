import { completeBytesMax } from '@tollgate/bus';
import { isRecord, isText, type JsonRecord } from '../json.ts';

/**
 * Puts the chunks of a chat stream together to the chat.completion that JSON would have given, for the cache. It holds no
 * more than a cache hit may send; what is not worth keeping (tool calls, several choices, a refusal, sound, an answer that
 * did not end with `stop`) it gives up at once.
 */
export class ChatAssembler {
  readonly #top: JsonRecord = { id: '', object: 'chat.completion', created: 0, model: '' };
  readonly #texts = { content: [] as string[], reasoning: [] as string[] };
  readonly #annotations: unknown[] = [];
  readonly #logprobs: unknown[] = [];
  #filterResults: JsonRecord | undefined;
  #usage: JsonRecord | undefined;
  #stopped = false;
  #unfit = false;
  #bytes = 0;

  /** @param chunk one `data:` event, parsed; not changed */
  add(chunk: JsonRecord): void {
    if (this.#unfit) return;
    this.#addTop(chunk);
    for (const choice of Array.isArray(chunk.choices) ? chunk.choices : []) {
      if (isRecord(choice) && (choice.index ?? 0) === 0) this.#addChoice(choice);
      else this.#giveUp();
    }
    if (this.#bytes > completeBytesMax) this.#giveUp();
  }

  /** The completion; undefined when the chunks are no whole answer or not one to keep. */
  finish(): JsonRecord | undefined {
    const content = this.#texts.content.join('');
    if (this.#unfit || !this.#stopped || !this.#usage || content === '') return undefined;
    const reasoning = this.#texts.reasoning.join('');
    return {
      ...this.#top,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content,
            ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
            refusal: null,
            annotations: this.#annotations,
          },
          logprobs: this.#logprobs.length === 0 ? null : { content: this.#logprobs, refusal: null },
          finish_reason: 'stop',
          ...(this.#filterResults === undefined ? {} : { content_filter_results: this.#filterResults }),
        },
      ],
      usage: this.#usage,
    };
  }

  // Azure's chunks about its filter name nothing: empty id and model, created 0.
  #addTop(chunk: JsonRecord): void {
    if (isText(chunk.id)) this.#top.id = chunk.id;
    if (isText(chunk.model)) this.#top.model = chunk.model;
    if (typeof chunk.created === 'number' && chunk.created > 0) this.#top.created = chunk.created;
    for (const name of ['system_fingerprint', 'service_tier', 'prompt_filter_results']) {
      if (chunk[name] != null) this.#top[name] = chunk[name];
    }
    if (isRecord(chunk.usage)) this.#usage = chunk.usage;
  }

  #addChoice(choice: JsonRecord): void {
    const delta = isRecord(choice.delta) ? choice.delta : {};
    const isCall = delta.tool_calls != null || delta.function_call != null;
    const endsBadly = choice.finish_reason != null && choice.finish_reason !== 'stop';
    if (isCall || endsBadly || delta.audio != null || isText(delta.refusal)) {
      this.#giveUp();
      return;
    }
    this.#addText(this.#texts.content, delta.content);
    this.#addText(this.#texts.reasoning, delta.reasoning_content);
    this.#addAll(this.#annotations, delta.annotations);
    if (isRecord(choice.logprobs)) this.#addAll(this.#logprobs, choice.logprobs.content);
    if (isRecord(choice.content_filter_results)) {
      this.#filterResults = { ...this.#filterResults, ...choice.content_filter_results };
    }
    if (choice.finish_reason === 'stop') this.#stopped = true;
  }

  #addText(texts: string[], text: unknown): void {
    if (!isText(text)) return;
    texts.push(text);
    this.#bytes += Buffer.byteLength(text);
  }

  #addAll(members: unknown[], added: unknown): void {
    if (!Array.isArray(added) || added.length === 0) return;
    members.push(...added);
    this.#bytes += JSON.stringify(added).length;
  }

  #giveUp(): void {
    this.#unfit = true;
    this.#texts.content.length = 0;
    this.#texts.reasoning.length = 0;
    this.#annotations.length = 0;
    this.#logprobs.length = 0;
  }
}
