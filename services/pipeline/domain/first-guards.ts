/** Guards announce themselves once a second, and are connected to; three times that is enough on a machine that starts everything at once. */
const waitMsMax = 3000;

interface Guards {
  ready(): boolean;
}

/**
 * What a pipeline that begins has not heard of yet. Its first request would be refused for the lack of a guard that is there. Once all kinds were
 * seen, or the time is over, each request meets what there is: some need no cache, and a refusal that names the guard tells more than silence.
 */
export class FirstGuards {
  readonly #unseen: Map<string, Guards>;
  readonly #untilMs: number;
  readonly #now: () => number;

  /** @param now ms that only grow */
  constructor(guards: Readonly<Record<string, Guards>>, now: () => number = () => performance.now()) {
    this.#unseen = new Map(Object.entries(guards));
    this.#now = now;
    this.#untilMs = now() + waitMsMax;
  }

  /** A kind of which no replica was usable yet; empty: none, or there was time enough. */
  missing(): string {
    if (this.#unseen.size === 0) return '';
    for (const [kind, guards] of this.#unseen) if (guards.ready()) this.#unseen.delete(kind);
    if (this.#now() >= this.#untilMs) this.#unseen.clear();
    const [kind = ''] = this.#unseen.keys();
    return kind;
  }
}
