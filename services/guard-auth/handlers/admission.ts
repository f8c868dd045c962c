import { type ConfigSnapshot, type KeyRecord, proxyById, resolveModel, windowBounds } from '@tollgate/config';
import {
  type AuthCall,
  type AuthResult,
  encode,
  type GuardRequest,
  type Receipt,
  Surface,
  UsageEvent,
} from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { GuardResult } from '@tollgate/guard';
import { StoreFault } from '@tollgate/redis';
import type { Counter, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { denial } from '../domain/access.ts';
import type { CounterState } from '../domain/charge.ts';
import type { CompletionMeans } from '../domain/completion-means.ts';
import { type Estimate, estimateTokens } from '../domain/estimate.ts';
import { isUsable } from '../domain/key-state.ts';
import { bindsModels, limitsOf } from '../domain/limits.ts';
import { hitOf, passedLimits } from '../domain/passed-limits.ts';
import { neverFits, type Plan, planCharges, refusalOf } from '../domain/plan.ts';
import { estimatedCostNanoUsd } from '../domain/prices.ts';
import { rateLimitHeaders } from '../domain/rate-limit-headers.ts';
import { limitRefusal, neverFitsRefusal } from '../domain/refusal.ts';
import { abandonedRow } from '../domain/usage-rows.ts';

/** The part of the bus's configuration watch that admission reads. */
export interface KeyDirectory {
  at(revision: number): ConfigSnapshot | Promise<ConfigSnapshot>;
  key(hash: string): KeyRecord | undefined;
  lookupKey(hash: string): Promise<KeyRecord | undefined>;
  stale(): boolean;
}

export interface AdmissionOptions {
  keys: KeyDirectory;
  store: BudgetStore;
  means: CompletionMeans;
  /** An admission that the store may have made without anybody hearing of it. */
  onUncertain(organizationId: string, requestId: string): void;
  /** The store says that its counters are not there yet. */
  onRebuilding(organizationId: string): void;
  onAdmitted(): void;
  metrics: Metrics;
  now(): number;
  wait(ms: number): Promise<void>;
}

/**
 * Every 401 leaves this long after its request came: a hash in memory (expired, revoked) answers sooner than one that has
 * to be looked up, and that difference would tell which keys exist. Longer than a read of the bucket takes.
 */
const unauthorizedAfterMs = 20;
const retryAfterMs = 1000;

type Decision = 'admitted' | 'repeated' | 'unauthorized' | 'denied' | 'too_large' | 'budget' | 'unavailable';

/** One request's view of the configuration. */
interface Asked {
  request: GuardRequest;
  call: AuthCall;
  snapshot: ConfigSnapshot;
  record: KeyRecord;
}

/** Decides whose request this is, what it may do, and whether there is budget for it; writes the lease. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #decisions: Counter<'decision'>;
  readonly #passed: Counter<'mode'>;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#decisions = options.metrics.counter('tollgate_auth_decisions_total', 'Admissions by outcome', ['decision']);
    this.#passed = options.metrics.counter(
      'tollgate_limits_passed_total',
      'Limits that an admitted request passed without being refused',
      ['mode'],
    );
  }

  /**
   * Where it cannot decide it throws a TollgateError (`bus_unavailable`, `overloaded`, …); but `store_unavailable` is
   * returned: while the store is away every request meets it, and each throw is a line in the log.
   */
  handle(request: GuardRequest): GuardResult | Promise<GuardResult> {
    const { keys, now } = this.#options;
    if (request.call?.$case !== 'auth') throw new TollgateError('invalid_request', { internal: 'not a call for auth' });
    if (keys.stale()) {
      throw new TollgateError('guard_unavailable', { internal: 'the configuration watch is behind', retryAfterMs });
    }
    const call = request.call.value;
    const arrivedAtMs = now();
    const hash = Buffer.from(call.keyHash).toString('hex');
    const snapshot = keys.at(request.revision);
    const record = keys.key(hash);
    if (snapshot instanceof Promise || (record === undefined && hash !== '')) {
      return this.#lookUp(request, call, hash, snapshot, arrivedAtMs);
    }
    if (!isUsable(record, arrivedAtMs)) return this.#unauthorized(arrivedAtMs);
    return this.#decide({ request, call, snapshot, record });
  }

  async #lookUp(
    request: GuardRequest,
    call: AuthCall,
    hash: string,
    snapshot: ConfigSnapshot | Promise<ConfigSnapshot>,
    arrivedAtMs: number,
  ): Promise<GuardResult> {
    // Whatever comes of the revision, an unusable key is told first: nobody may then be left to hear of a rejection.
    if (snapshot instanceof Promise) snapshot.catch(() => {});
    const record = hash === '' ? undefined : await this.#options.keys.lookupKey(hash);
    if (!isUsable(record, arrivedAtMs)) return this.#unauthorized(arrivedAtMs);
    return this.#decide({ request, call, snapshot: await snapshot, record });
  }

  async #unauthorized(arrivedAtMs: number): Promise<GuardResult> {
    this.#count('unauthorized');
    const { now, wait } = this.#options;
    const restMs = arrivedAtMs + unauthorizedAfterMs - now();
    if (restMs > 0) await wait(restMs);
    return reply({
      receipt: undefined,
      refusal: toErrorDetail(new TollgateError('invalid_api_key')),
      headers: {},
      hits: {},
    });
  }

  #decide(asked: Asked): GuardResult | Promise<GuardResult> {
    const { request, call, snapshot, record } = asked;
    const proxy = proxyById(snapshot, request.proxy);
    if (!proxy)
      throw new TollgateError('not_found', { internal: `no proxy ${request.proxy} at revision ${snapshot.revision}` });
    const resolved = resolveModel(snapshot, proxy, call.model);
    const denied = denial(snapshot, record, proxy, call.model, resolved);
    if (denied !== undefined) {
      this.#count('denied');
      return refuse(asked, new TollgateError('access_denied', { message: denied }));
    }
    const models = resolved.kind === 'rotation' ? resolved.targets.map(({ model }) => model) : [call.model];
    const estimate = estimateTokens({
      bodyBytes: call.bodyBytes,
      outputTokensMax: call.outputTokensMax,
      choices: call.n,
      generates: call.surface !== Surface.EMBEDDINGS && call.surface !== Surface.MODELS,
      completionTokensMean: this.#options.means.mean(models),
    });
    const { promptTokens: prompt, completionTokens: completion } = estimate;
    const costNanoUsd = estimatedCostNanoUsd(snapshot, resolved, { prompt, completion });
    const limits = limitsOf(snapshot, record.teamId).filter((limit) => bindsModels(limit, models));
    const costs = limits.some(({ limit }) => limit.quantity === 'cost_nano_usd');
    const promptCostNanoUsd = costs ? estimatedCostNanoUsd(snapshot, resolved, { prompt, completion: 0 }) : 0;
    const caller = { keyId: record.id, user: call.user, metadata: call.metadata };
    const plan = planCharges(limits, { ...estimate, costNanoUsd, promptCostNanoUsd }, caller, ({ window, timeZone }) =>
      windowBounds(window, timeZone, call.startedAtMs),
    );
    const tooLarge = neverFits(plan);
    if (tooLarge) {
      this.#count('too_large');
      return refuse(asked, neverFitsRefusal(tooLarge), {}, hitOf(tooLarge.limit));
    }
    const receipt = receiptOf(asked, plan, estimate);
    const lease = abandonedRow(receipt, {
      proxy: proxy.name,
      modelRequested: call.model,
      surface: call.surface,
      stream: call.stream,
      metadata: call.metadata,
      costNanoUsd,
      priceListVersion: snapshot.priceListVersion,
    });
    return this.#reserve(asked, plan, receipt, encode(UsageEvent, lease));
  }

  async #reserve(asked: Asked, plan: Plan, receipt: Receipt, record: Uint8Array): Promise<GuardResult> {
    const { store, onUncertain, onRebuilding, onAdmitted, now } = this.#options;
    const { organizationId, requestId, startedAtMs } = receipt;
    try {
      const answer = await store.reserve(organizationId, { requestId, startedAtMs, charges: plan.charges, record });
      const limits = rateLimitHeaders(plan, answer.counters, now());
      const passed = passedLimits(plan, answer.counters);
      const headers = { ...limits, ...passed.headers };
      const { hits } = passed;
      switch (answer.outcome) {
        case 'admitted':
          onAdmitted();
          this.#count('admitted');
          this.#tell(hits);
          return reply({
            receipt: answer.shared ? withShared(receipt, answer.shared) : receipt,
            ...{ refusal: undefined, headers, hits },
          });
        case 'repeated':
          this.#count('repeated');
          return reply({
            receipt: UsageEvent.decode(answer.record ?? record).receipt,
            ...{ refusal: undefined, headers, hits },
          });
        case 'refused':
          this.#count('budget');
          return this.#refuseBudget(asked, plan, answer.counters, limits);
        case 'over':
          throw new TollgateError('guard_unavailable', { internal: `request ${requestId} was given up before` });
        case 'rebuilding':
          onRebuilding(organizationId);
          return this.#unavailable('the counters are not rebuilt yet');
      }
    } catch (error) {
      if (!(error instanceof StoreFault)) throw error;
      if (error.uncertain) onUncertain(organizationId, requestId);
      return this.#unavailable(error.internal ?? '');
    }
  }

  #unavailable(internal: string): GuardResult {
    this.#count('unavailable');
    const error = new TollgateError('store_unavailable', { internal, retryAfterMs });
    return { $case: 'error', value: toErrorDetail(error) };
  }

  #refuseBudget(asked: Asked, plan: Plan, counters: CounterState[], headers: Record<string, string>): GuardResult {
    const refusal = refusalOf(plan, counters);
    // The store refused on exactly these figures; both apply the same rule.
    if (!refusal) return refuse(asked, new TollgateError('budget_exceeded', { internal: 'refused without a limit' }));
    return refuse(asked, limitRefusal(refusal, this.#options.now()), headers, hitOf(refusal.check.limit));
  }

  #tell(hits: Record<string, number>): void {
    for (const hit in hits) this.#passed.inc({ mode: hit.startsWith('soft') ? 'soft' : 'shadow' });
  }

  #count(decision: Decision): void {
    this.#decisions.inc({ decision });
  }
}

function receiptOf({ request, call, snapshot, record }: Asked, plan: Plan, estimate: Estimate): Receipt {
  return {
    requestId: request.requestId,
    organizationId: record.organizationId,
    organization: snapshot.organization.name,
    projectId: record.projectId,
    project: record.project,
    teamId: record.teamId,
    team: record.team,
    keyId: record.id,
    startedAtMs: call.startedAtMs,
    revision: snapshot.revision,
    reservations: plan.charges.map(({ reservation }) => reservation),
    estimatedPromptTokens: estimate.promptTokens,
    estimatedCompletionTokens: estimate.completionTokens,
  };
}

/** The receipt of what was really charged: at these places the counter that all values share. */
function withShared(receipt: Receipt, places: ReadonlySet<number>): Receipt {
  const reservations = receipt.reservations.map((reservation, at) =>
    places.has(at) ? { ...reservation, value: '' } : reservation,
  );
  return { ...receipt, reservations };
}

/** A known key's refusal: its row is written from a receipt that reserves nothing. */
function refuse(
  asked: Asked,
  error: TollgateError,
  headers: Record<string, string> = {},
  hits: Record<string, number> = {},
): GuardResult {
  const nothing = { promptTokens: 0, completionTokens: 0, guessed: false };
  const receipt = receiptOf(asked, { checks: [], charges: [] }, nothing);
  return reply({ receipt, refusal: toErrorDetail(error), headers, hits });
}

function reply(result: AuthResult): GuardResult {
  return { $case: 'auth', value: result };
}
