/**
 * Remembers names for a while, bounded in number, without a timer or a time for each: two sets of which the older one is
 * dropped when the younger has lived its time or is full. A name is remembered for one to two generations.
 */
export class Generations {
  readonly #generationMs: number;
  readonly #sizeMax: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #bornAtMs = 0;

  constructor(generationMs: number, sizeMax: number) {
    this.#generationMs = generationMs;
    this.#sizeMax = sizeMax;
  }

  add(name: string, nowMs: number): void {
    this.#turn(nowMs);
    this.#young.add(name);
    if (this.#young.size >= this.#sizeMax) this.#drop(nowMs);
  }

  has(name: string, nowMs: number): boolean {
    this.#turn(nowMs);
    return this.#young.has(name) || this.#old.has(name);
  }

  #turn(nowMs: number): void {
    const age = nowMs - this.#bornAtMs;
    if (age < this.#generationMs) return;
    this.#drop(nowMs);
    // Nobody asked for two whole generations: the younger one is too old as well.
    if (age >= 2 * this.#generationMs) this.#old = new Set();
  }

  #drop(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Set();
    this.#bornAtMs = nowMs;
  }
}
