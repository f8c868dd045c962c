/**
 * Runs the registered steps once at the end of the event-loop turn in which somebody asked for it: what became ready
 * in one turn leaves in one message, and nothing ever waits for a timer.
 */
export class Turn {
  readonly #steps: (() => void)[] = [];
  #scheduled = false;

  /** Steps run in the order in which they were added. */
  step(run: () => void): void {
    this.#steps.push(run);
  }

  request(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = () => {
    this.#scheduled = false;
    for (const step of this.#steps) step();
  };
}
