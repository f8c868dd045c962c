import type { Metrics } from '@tollgate/telemetry';

type Numbers<Name extends string> = Record<Name, number>;

/**
 * Carries plain numbers into the metrics, by difference. The hot path only adds to a number; `publish` runs once a beat.
 */
export class CounterFeed<Name extends string> {
  readonly #numbers: Numbers<Name>;
  readonly #steps: (() => void)[] = [];

  /** `metrics` gets a counter with label `kind` for each entry of `names`: name of the metric, and what it counts. */
  constructor(metrics: Metrics, kind: string, numbers: Numbers<Name>, names: Record<Name, [string, string]>) {
    this.#numbers = numbers;
    for (const field of Object.keys(names) as Name[]) {
      const [name, help] = names[field];
      const counter = metrics.counter(name, help, ['kind']);
      let published = 0;
      this.#steps.push(() => {
        const value = this.#numbers[field];
        if (value > published) counter.inc({ kind }, value - published);
        published = value;
      });
    }
  }

  publish(): void {
    for (const step of this.#steps) step();
  }
}
