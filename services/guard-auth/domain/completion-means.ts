import { RequestStatus, type UsageEvent } from '@tollgate/contracts';

/** Fewer say little about a model. */
const samplesMin = 20;
/** Older requests fade: the mean follows the last few hundred. */
const samplesWeight = 200;
const modelsMax = 1000;

/**
 * Running means of completion tokens by model, from the usage that this replica settles (its share of all, so a sample).
 * In memory: after a start defaults serve until there are enough.
 */
export class CompletionMeans {
  readonly #means = new Map<string, { mean: number; samples: number }>();

  learn(event: UsageEvent): void {
    if (event.status !== RequestStatus.COMPLETED || event.estimated || event.model === '') return;
    const tokens = event.served?.completion ?? 0;
    const known = this.#means.get(event.model);
    if (known) {
      known.samples++;
      known.mean += (tokens - known.mean) / Math.min(known.samples, samplesWeight);
    } else if (this.#means.size < modelsMax) {
      this.#means.set(event.model, { mean: tokens, samples: 1 });
    }
  }

  /** Of the most talkative of these models; undefined while one of them was not seen often enough. */
  mean(models: string[]): number | undefined {
    let highest: number | undefined;
    for (const model of models) {
      const known = this.#means.get(model);
      if (!known || known.samples < samplesMin) return undefined;
      highest = Math.max(highest ?? 0, known.mean);
    }
    return highest;
  }
}
