import { entityNames, type Kind, type Span } from './span.ts';

/** What looks like a placeholder in a caller's text. */
const looksLike = /\[(EMAIL|PHONE|SSN)_([0-9A-F]{4,8})\]/gi;

/**
 * Gives each value of a request its placeholder: `[EMAIL_0000]`, entity and a hex counter of at least four digits. Numbers
 * that a caller's text already has in brackets are passed over, so a placeholder always means what this request masked.
 */
export class Placeholders {
  readonly #texts: readonly string[];
  readonly #byValue: Record<Kind, Map<string, string>> = { email: new Map(), phone: new Map(), ssn: new Map() };
  readonly #next: Record<Kind, number> = { email: 0, phone: 0, ssn: 0 };
  #taken: Set<string> | undefined;

  /** `texts`: all of the request. They are searched for lookalikes with the first finding only. */
  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  of({ kind, value }: Span): string {
    const values = this.#byValue[kind];
    let placeholder = values.get(value);
    if (placeholder === undefined) {
      placeholder = this.#make(kind);
      values.set(value, placeholder);
    }
    return placeholder;
  }

  #make(kind: Kind): string {
    this.#taken ??= this.#lookalikes();
    for (;;) {
      const name = `${entityNames[kind]}_${(this.#next[kind]++).toString(16).padStart(4, '0')}`;
      if (!this.#taken.has(name)) return `[${name}]`;
    }
  }

  #lookalikes(): Set<string> {
    const taken = new Set<string>();
    for (const text of this.#texts) {
      for (const [, entity = '', digits = ''] of text.matchAll(looksLike)) {
        taken.add(`${entity.toUpperCase()}_${digits.toLowerCase()}`);
      }
    }
    return taken;
  }
}
