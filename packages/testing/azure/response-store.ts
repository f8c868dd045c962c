import { type JsonRecord, stringOf } from './json.ts';
import { promptChars, type Turn } from './turns.ts';

export interface StoredResponse {
  /** The Responses object as it was answered. */
  body: object;
  /** The whole conversation up to and including the answer, for `previous_response_id`. */
  turns: readonly Turn[];
  /** What `input_items` answers. */
  inputItems: readonly JsonRecord[];
  /** Its answer's items, which with those that went in can be referred to by their ids. */
  output: readonly JsonRecord[];
}

const RESPONSES_MAX = 500;
const CHARS_MAX = 64 * 1024 * 1024;

/** Responses that were not sent with `store: false`; the oldest fall out at 500 or 64 Mi characters. */
export class ResponseStore {
  #responses = new Map<string, StoredResponse & { chars: number }>();
  /** By id; each goes with its response. */
  #items = new Map<string, JsonRecord>();
  #chars = 0;

  add(id: string, response: StoredResponse): void {
    const chars = promptChars(response.turns);
    if (chars > CHARS_MAX) return;
    this.#responses.set(id, { ...response, chars });
    for (const item of itemsOf(response)) this.#items.set(stringOf(item.id) ?? '', item);
    this.#chars += chars;
    for (const oldest of this.#responses.keys()) {
      if (this.#responses.size <= RESPONSES_MAX && this.#chars <= CHARS_MAX) break;
      this.delete(oldest);
    }
  }

  get(id: string): StoredResponse | undefined {
    return this.#responses.get(id);
  }

  item(id: string): JsonRecord | undefined {
    return this.#items.get(id);
  }

  delete(id: string): boolean {
    const found = this.#responses.get(id);
    this.#chars -= found?.chars ?? 0;
    for (const item of found ? itemsOf(found) : []) this.#items.delete(stringOf(item.id) ?? '');
    return this.#responses.delete(id);
  }

  clear(): void {
    this.#responses.clear();
    this.#items.clear();
    this.#chars = 0;
  }
}

function itemsOf({ inputItems, output }: StoredResponse): JsonRecord[] {
  return [...inputItems, ...output];
}
