/** Fewer say little. */
const samplesMin = 20;
const recountEvery = 10;
/** Above it all counts are halved: older values fade, and the last few hundred decide. */
const totalMax = 400;
/** Each bucket reaches a tenth further than the one below it, from 1 to above 10,000,000. */
const growth = Math.log(1.1);
const buckets = 170;

/** Below which nine of ten of the latest values are, within a tenth; of positive numbers, 1 to 10,000,000. */
export class Percentile90 {
  readonly #counts = new Float64Array(buckets);
  #total = 0;
  #samples = 0;
  #value: number | undefined;

  /** What is below 1 counts as 1. */
  add(value: number): void {
    const bucket = Math.floor(Math.log(Math.max(1, value)) / growth);
    const place = Math.min(bucket, buckets - 1);
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#total++;
    this.#samples++;
    if (this.#total > totalMax) this.#fade();
    if (this.#samples >= samplesMin && this.#samples % recountEvery === 0) this.#value = this.#count();
  }

  /** The upper end of its bucket; undefined while there are too few. */
  get value(): number | undefined {
    return this.#value;
  }

  #count(): number {
    let above = this.#total * 0.1;
    let bucket = buckets - 1;
    while (bucket > 0 && above >= (this.#counts[bucket] ?? 0)) above -= this.#counts[bucket--] ?? 0;
    return Math.exp(growth * (bucket + 1));
  }

  #fade(): void {
    this.#total = 0;
    for (const [place, count] of this.#counts.entries()) {
      this.#counts[place] = count / 2;
      this.#total += count / 2;
    }
  }
}
