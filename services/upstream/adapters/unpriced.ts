import type { Target } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { UpstreamMetrics } from './metrics.ts';

/** Names that were logged already; at the bound the rest is only counted. */
const loggedMax = 1000;

/** Tells of usage that the price list has no price for: each time as a metric, once a revision and model in the log. */
export class UnpricedUsage {
  readonly #metrics: Pick<UpstreamMetrics, 'unpriced'>;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #logged = new Set<string>();
  #revision = 0;

  constructor(metrics: Pick<UpstreamMetrics, 'unpriced'>, logger: Pick<Logger, 'warn'>) {
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** @param unpriced as costOf tells it; a model at its declared fallback is no surprise and no alert */
  tell(revision: number, { provider, model, baseModel }: Target, unpriced: readonly string[]): void {
    for (const usage of unpriced) {
      if (usage === 'model') continue;
      this.#metrics.unpriced(usage);
      if (this.#isNew(revision, `${baseModel} ${usage}`)) {
        const what = 'usage without a price of its own: charged by priceList.fallback, else as ordinary tokens';
        this.#logger.warn({ revision, provider, model, baseModel, usage }, what);
      }
    }
  }

  #isNew(revision: number, name: string): boolean {
    if (revision > this.#revision) {
      this.#revision = revision;
      this.#logged.clear();
    }
    if (this.#logged.has(name) || this.#logged.size >= loggedMax) return false;
    this.#logged.add(name);
    return true;
  }
}
