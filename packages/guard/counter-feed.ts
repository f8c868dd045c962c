import type { Metrics } from '@tollgate/telemetry';

type Numbers<Name extends string> = Record<Name, number>;

/**
 * Carries plain numbers into the metrics, by difference, at each scrape: the hot path only adds to a number.
 * @param metrics gets a counter with label `kind` for each entry of `names`: name of the metric, and what it counts
 */
export function feedCounters<Name extends string>(
  metrics: Metrics,
  kind: string,
  numbers: Numbers<Name>,
  names: Record<Name, [string, string]>,
): void {
  for (const field of Object.keys(names) as Name[]) {
    const [name, help] = names[field];
    const counter = metrics.counter(name, help, ['kind']);
    let told = 0;
    metrics.onScrape(() => {
      const value = numbers[field];
      if (value > told) counter.inc({ kind }, value - told);
      told = value;
    });
  }
}
