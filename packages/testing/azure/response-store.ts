import { promptChars, type Turn } from './turns.ts';

export interface StoredResponse {
  /** The Responses object as it was answered. */
  body: object;
  /** The whole conversation up to and including the answer, for `previous_response_id`. */
  turns: readonly Turn[];
  /** What `input_items` answers. */
  inputItems: readonly object[];
}

const RESPONSES_MAX = 500;
const CHARS_MAX = 64 * 1024 * 1024;

/** Responses that were not sent with `store: false`; the oldest fall out at 500 or 64 Mi characters. */
export class ResponseStore {
  #responses = new Map<string, StoredResponse & { chars: number }>();
  #chars = 0;

  add(id: string, response: StoredResponse): void {
    const chars = promptChars(response.turns);
    if (chars > CHARS_MAX) return;
    this.#responses.set(id, { ...response, chars });
    this.#chars += chars;
    for (const oldest of this.#responses.keys()) {
      if (this.#responses.size <= RESPONSES_MAX && this.#chars <= CHARS_MAX) break;
      this.delete(oldest);
    }
  }

  get(id: string): StoredResponse | undefined {
    return this.#responses.get(id);
  }

  delete(id: string): boolean {
    this.#chars -= this.#responses.get(id)?.chars ?? 0;
    return this.#responses.delete(id);
  }

  clear(): void {
    this.#responses.clear();
    this.#chars = 0;
  }
}
