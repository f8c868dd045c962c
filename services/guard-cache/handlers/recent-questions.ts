import type { Place } from '../adapters/redis/names.ts';
import type { Agreement } from '../domain/agree.ts';
import { type Question, readQuestion } from '../domain/question.ts';

/** Questions of at most 8 KiB whose answers are still under way: some megabytes. */
const keptMax = 512;
const textLengthMax = 8 * 1024;
/** A fill whose answer a caller has already is here within a few milliseconds, whatever the machine is busy with. */
const fillWaitMs = 10;

/** A question that was looked up and not found, until its answer comes. */
export interface Asked {
  readonly place: Place;
  readonly text: string;
  readonly agreement: Agreement;
  readonly question: Question;
  readonly waiting: (() => void)[];
  /** Somebody waited to the end: its answer takes longer, is none to keep, or came to another replica. */
  isLate: boolean;
}

export interface Reading {
  readonly question: Question;
  /** The same question of the same caller's scope, whose answer is not here yet. */
  readonly repeats: Asked | undefined;
}

/**
 * A question is read when it is looked up, and again when its answer comes a moment later: the reading is kept till then.
 * Meanwhile a repeat can wait for the answer that is on its way: its first caller may have it before the cache has.
 */
export class RecentQuestions {
  readonly #kept = new Map<string, Asked>();

  read(place: Place, text: string, agreement: Agreement): Reading {
    const kept = this.#kept.get(text);
    if (kept?.agreement === agreement && samePlace(kept.place, place))
      return { question: kept.question, repeats: kept };
    const question = readQuestion(text, agreement);
    if (text.length <= textLengthMax) this.#keep({ place, text, agreement, question, waiting: [], isLate: false });
    return { question, repeats: undefined };
  }

  /** The same, for the last time: whoever waits may look it up after this turn of the event loop. */
  take(text: string, agreement: Agreement): Question {
    const kept = this.#kept.get(text);
    if (kept === undefined) return readQuestion(text, agreement);
    this.#kept.delete(text);
    for (const wake of kept.waiting) wake();
    return kept.agreement === agreement ? kept.question : readQuestion(text, agreement);
  }

  /**
   * Waits until its answer comes here, at most 10 ms: another replica may have it by then. False: not worth looking again,
   * since somebody did so in vain.
   */
  async waited(asked: Asked): Promise<boolean> {
    if (asked.isLate) return false;
    if (this.#kept.get(asked.text) === asked) await new Promise<void>((resolve) => this.#wait(asked, resolve));
    return true;
  }

  #wait(asked: Asked, resolve: () => void): void {
    const late = setTimeout(() => {
      asked.isLate = true;
      resolve();
    }, fillWaitMs);
    asked.waiting.push(() => {
      clearTimeout(late);
      resolve();
    });
  }

  #keep(asked: Asked): void {
    if (this.#kept.size >= keptMax) {
      const oldest = this.#kept.keys().next().value;
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    this.#kept.set(asked.text, asked);
  }
}

// Nobody may learn from a delay what another tenant asks.
function samePlace(one: Place, other: Place): boolean {
  return (
    one.scopeId === other.scopeId &&
    one.organizationId === other.organizationId &&
    one.proxyId === other.proxyId &&
    one.surface === other.surface &&
    Buffer.compare(one.fingerprint, other.fingerprint) === 0
  );
}
