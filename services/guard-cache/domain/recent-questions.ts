import type { Agreement } from './agree.ts';
import { type Question, readQuestion } from './question.ts';

/** Questions of at most 8 KiB whose answers are still under way: some megabytes. */
const keptMax = 512;
const textLengthMax = 8 * 1024;

/** A question is read when it is looked up, and again when its answer comes a moment later: the reading is kept till then. */
export class RecentQuestions {
  readonly #kept = new Map<string, { readonly agreement: Agreement; readonly question: Question }>();

  read(text: string, agreement: Agreement): Question {
    const question = readQuestion(text, agreement);
    if (text.length > textLengthMax) return question;
    if (this.#kept.size >= keptMax) {
      const oldest = this.#kept.keys().next().value;
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(text, { agreement, question });
    return question;
  }

  /** The same, for the last time. */
  take(text: string, agreement: Agreement): Question {
    const kept = this.#kept.get(text);
    if (kept?.agreement !== agreement) return readQuestion(text, agreement);
    this.#kept.delete(text);
    return kept.question;
  }
}
