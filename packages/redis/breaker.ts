/** Calls that must fail one after another before the store counts as away. */
const failuresMax = 3;

/**
 * Opens after several failures in a row and closes with the first success. While it is open nobody waits for the store;
 * the connection's own monitor keeps asking and closes it again, so no caller has to be the probe.
 */
export class Breaker {
  #failures = 0;

  get open(): boolean {
    return this.#failures >= failuresMax;
  }

  failed(): void {
    this.#failures++;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
