import { payloadBytesMax } from '@tollgate/bus';
import type { ConfigSnapshot, ResponseIds } from '@tollgate/config';
import { type CacheCall, type CacheHit, type GuardRequest, Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { GuardResult } from '@tollgate/guard';
import type { CacheStore, Found } from '../adapters/redis/store.ts';
import { type Kept, render } from '../domain/render.ts';
import { cacheSettings } from '../domain/settings.ts';
import type { CacheCounters } from './counters.ts';
import type { RecentQuestions } from './recent-questions.ts';

export interface ConfigSource {
  at(revision: number): ConfigSnapshot | Promise<ConfigSnapshot>;
}

export interface LookupDependencies {
  readonly config: ConfigSource;
  readonly store: Pick<CacheStore, 'lookup'>;
  readonly questions: RecentQuestions;
  readonly counters: CacheCounters;
  readonly responseIds: ResponseIds;
  readonly now: () => number;
}

const miss: GuardResult = { $case: 'cache', value: { hit: undefined } };

/** Answers a pipeline's CacheCall. A fault of the store becomes an error reply: the proxy's onError decides. */
export class Lookup {
  readonly #dependencies: LookupDependencies;

  constructor(dependencies: LookupDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws TollgateError `store_unavailable`, `guard_unavailable`, `overloaded` */
  readonly handle = async (request: GuardRequest): Promise<GuardResult> => {
    const { counters } = this.#dependencies;
    if (request.call?.$case !== 'cache') {
      throw new TollgateError('guard_unavailable', { internal: `guard-cache was asked for ${request.call?.$case}` });
    }
    const call = request.call.value;
    if (!canBeKept(call)) {
      counters.lookup('miss');
      return miss;
    }
    try {
      return this.#answer(call, await this.#find(request, call));
    } catch (error) {
      counters.lookup('failed');
      throw error;
    }
  };

  async #find(request: GuardRequest, call: CacheCall): Promise<Found | undefined> {
    const { config, store, questions } = this.#dependencies;
    const snapshot = await config.at(request.revision);
    const settings = cacheSettings(snapshot, request.proxy, request.guardrail);
    const { scopeId, surface, fingerprint } = call;
    const place = { organizationId: snapshot.organization.id, scopeId, proxyId: request.proxy, surface, fingerprint };
    const { question, repeats } = questions.read(place, call.text, settings.agreement);
    const found = await store.lookup(place, question, settings);
    if (found !== undefined || repeats === undefined || !(await questions.waited(repeats))) return found;
    return store.lookup(place, question, settings);
  }

  #answer(call: CacheCall, found: Found | undefined): GuardResult {
    const { counters, now } = this.#dependencies;
    if (found === undefined) {
      counters.lookup('miss');
      return miss;
    }
    const nowMs = now();
    const rendered = render(found.answer, call, nowMs, this.#kept(call, found));
    if (rendered === undefined) {
      counters.lookup('too_large');
      return miss;
    }
    counters.lookup(found.kind);
    const { provider, model, baseModel, tokens, costNanoUsd, createdAtMs } = found.facts;
    const hit: CacheHit = {
      ...rendered,
      similarity: found.similarity,
      ageSeconds: Math.max(0, Math.floor((nowMs - createdAtMs) / 1000)),
      provider,
      model,
      baseModel,
      tokens,
      costNanoUsd,
    };
    return { $case: 'cache', value: { hit } };
  }

  /** Of a response that its provider keeps: the asking team's own ids, from which it may go on. */
  #kept({ surface, teamId }: CacheCall, { answer, facts }: Found): Kept | undefined {
    if (surface !== Surface.RESPONSES || !teamId || answer.store === false || typeof answer.id !== 'string')
      return undefined;
    const { provider, model } = facts;
    const { responseIds } = this.#dependencies;
    return {
      responseId: responseIds.seal(teamId, { provider, model, providerId: answer.id, borrowed: true }),
      itemId: (own) => own + responseIds.itemTag(teamId, provider, own),
    };
  }
}

const kept: ReadonlySet<Surface> = new Set([Surface.CHAT_COMPLETIONS, Surface.RESPONSES, Surface.MESSAGES]);

// A fill is one message of the bus, so a text that does not fit one was never kept.
const canBeKept = ({ surface, text }: CacheCall) => kept.has(surface) && text.length <= payloadBytesMax;
