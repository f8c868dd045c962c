export type Close = (options: { now: boolean }) => Promise<void>;

/** What was opened, closed in the reverse order. */
export class Closers {
  readonly #list: Close[] = [];
  #closing: Promise<void> | undefined;

  add(close: Close): void {
    this.#list.push(close);
  }

  /** Closes one after the other. A later call with `now` has all that is still open end at once. */
  async closeAll({ now }: { now: boolean }): Promise<void> {
    this.#closing ??= this.#closeInOrder(now);
    if (now) await Promise.all([...this.#list].map((close) => close({ now })));
    await this.#closing;
  }

  async #closeInOrder(now: boolean): Promise<void> {
    for (let close = this.#list.at(-1); close; close = this.#list.at(-1)) {
      await close({ now });
      this.#list.pop();
    }
  }
}
