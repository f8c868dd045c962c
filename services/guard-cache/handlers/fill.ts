import { completeBytesMax } from '@tollgate/bus';
import { CacheFill } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { CacheStore } from '../adapters/redis/store.ts';
import { judge } from '../domain/cacheable.ts';
import { cacheSettings } from '../domain/settings.ts';
import type { CacheCounters, FillOutcome } from './counters.ts';
import type { ConfigSource } from './lookup.ts';
import type { RecentQuestions } from './recent-questions.ts';

export interface FillDependencies {
  readonly config: ConfigSource;
  readonly store: Pick<CacheStore, 'fill'>;
  readonly questions: RecentQuestions;
  readonly counters: CacheCounters;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Fills under way at once; what comes on top is dropped and counted. An answer that was not kept is asked for again. */
const fillsMax = 256;

/** Keeps the answers that upstream offers. */
export class Filler {
  readonly #dependencies: FillDependencies;
  readonly #running = new Set<Promise<void>>();

  constructor(dependencies: FillDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Never throws: a cache that cannot be filled costs a call to the provider, nothing else. An entry is written in the turn
   * in which its fill arrives, over the connection that lookups use: one that arrives later reads it.
   */
  readonly handle = (bytes: Uint8Array): void => {
    const { counters } = this.#dependencies;
    if (this.#running.size >= fillsMax) {
      counters.fill('overflow');
      return;
    }
    const running = this.#fill(bytes)
      .catch((error: unknown): FillOutcome => {
        this.#dependencies.logger.debug({ err: error }, 'an answer could not be kept');
        return 'failed';
      })
      .then((outcome) => {
        counters.fill(outcome);
        this.#running.delete(running);
      });
    this.#running.add(running);
  };

  async drained(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #fill(bytes: Uint8Array): Promise<FillOutcome> {
    const { config, store, questions, counters, now } = this.#dependencies;
    const fill = CacheFill.decode(bytes);
    const { plan } = fill;
    if (plan === undefined) throw new Error('a CacheFill without a plan');
    const judged = judge(plan.surface, fill.answer);
    if ('unfit' in judged) return judged.unfit;
    // Larger than any answer that a hit could send: kept for nobody.
    if (fill.answer.length > completeBytesMax) return 'too_large';

    const snapshot = await config.at(plan.revision);
    const settings = cacheSettings(snapshot, plan.proxy, plan.guardrail);
    const { scopeId, surface, fingerprint } = plan;
    const place = { organizationId: snapshot.organization.id, scopeId, proxyId: plan.proxy, surface, fingerprint };
    const facts = {
      provider: fill.provider,
      model: fill.model,
      baseModel: fill.baseModel,
      tokens: fill.tokens ?? { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 },
      costNanoUsd: fill.costNanoUsd,
      createdAtMs: now(),
    };
    const bounds = { agreement: settings.agreement, ttlSeconds: settings.ttlSeconds, entriesMax: settings.maxEntries };
    const question = questions.take(plan.text, settings.agreement);
    counters.swept(await store.fill(place, question, { answer: judged.answer, facts }, bounds));
    return 'stored';
  }
}
