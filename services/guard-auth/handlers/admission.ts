import { type ConfigSnapshot, type KeyRecord, proxyById, resolveModel } from '@tollgate/config';
import {
  type AuthCall,
  encode,
  type GuardRequest,
  type IdempotencyClaim,
  type Receipt,
  Surface,
  UsageEvent,
} from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { GuardResult } from '@tollgate/guard';
import { StoreFault } from '@tollgate/redis';
import type { Counter, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import type { Claimed, IdempotencyStore } from '../adapters/idempotency-store.ts';
import { denial } from '../domain/access.ts';
import { type Bound, boundOf } from '../domain/bound.ts';
import type { CounterState } from '../domain/charge.ts';
import { estimateTokens } from '../domain/estimate.ts';
import { withAmounts } from '../domain/grant.ts';
import { isUsable } from '../domain/key-state.ts';
import { boundsAt } from '../domain/limit-windows.ts';
import { bindsKey, bindsModels, limitsOf, type ScopedLimit } from '../domain/limits.ts';
import type { ModelMeasures } from '../domain/model-measures.ts';
import { hitOf, passedLimits } from '../domain/passed-limits.ts';
import { isStrict, neverFits, type Plan, planCharges, type Refusal, refusalOf } from '../domain/plan.ts';
import { estimatedCostNanoUsd } from '../domain/prices.ts';
import { rateLimitHeaders } from '../domain/rate-limit-headers.ts';
import { limitRefusal, neverFitsRefusal, unprovenRefusal } from '../domain/refusal.ts';
import { allowsWithinShare } from '../domain/share.ts';
import { abandonedRow } from '../domain/usage-rows.ts';
import { type Asked, admittedReceipt, modelsOf, receiptOf, refuse, reply, standing } from './admission-answers.ts';
import type { Degraded } from './degraded.ts';

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
  idempotency: Pick<IdempotencyStore, 'claim' | 'end'>;
  measures: ModelMeasures;
  /** An admission that the store may have made without anybody hearing of it. */
  onUncertain(organizationId: string, requestId: string): void;
  /** The store says that its counters are not there yet. */
  onRebuilding(organizationId: string): void;
  onAdmitted(): void;
  /** A limit that binds them and is not proven to work. */
  unproven(key: Pick<KeyRecord, 'projectId' | 'teamId' | 'name'>, models: readonly string[]): ScopedLimit | undefined;
  degraded: Pick<Degraded, 'active' | 'begin' | 'failed' | 'saw' | 'admit'>;
  /** A limit refused; `counters` are those that it refused on. */
  onRefused(plan: Plan, refusal: Refusal, counters: CounterState[], snapshot: ConfigSnapshot): void;
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
const noAnswer = new Uint8Array(0);

type Decision =
  | 'admitted'
  | 'within_share'
  | 'repeated'
  | 'unauthorized'
  | 'denied'
  | 'unbounded'
  | 'too_large'
  | 'budget'
  | 'replayed'
  | 'idempotency'
  | 'unavailable';

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
      models: [],
    });
  }

  #decide(asked: Asked): GuardResult | Promise<GuardResult> {
    const { request, call, snapshot, record } = asked;
    const proxy = proxyById(snapshot, request.proxy);
    if (!proxy)
      throw new TollgateError('not_found', { internal: `no proxy ${request.proxy} at revision ${snapshot.revision}` });
    const resolved = resolveModel(snapshot, proxy, call.model, call.surface);
    // Who asks which models there are, or for an answer that was given, uses none, and no budget.
    const usesNone = call.surface === Surface.MODELS || call.surface === Surface.STORED_RESPONSES;
    const denied = denial(snapshot, record, proxy, call.model, usesNone ? undefined : resolved);
    if (denied !== undefined) {
      this.#count('denied');
      return refuse(asked, new TollgateError('access_denied', { message: denied }));
    }
    const models = resolved.kind === 'rotation' ? resolved.targets.map(({ model }) => model) : [call.model];
    const unproven = usesNone ? undefined : this.#options.unproven(record, models);
    if (unproven !== undefined) {
      this.#count('unavailable');
      return { $case: 'error', value: toErrorDetail(unprovenRefusal(unproven, retryAfterMs)) };
    }
    // Counting tokens is a request like any other, and uses none.
    const counts = call.surface === Surface.COUNT_TOKENS;
    const generates = call.surface !== Surface.EMBEDDINGS && !usesNone && !counts;
    const estimate = estimateTokens({
      bodyBytes: counts ? 0 : call.bodyBytes,
      outputTokensMax: call.outputTokensMax,
      choices: call.n,
      generates,
      measured: {
        completionTokens: this.#options.measures.completionTokens(models),
        promptTokensPerByte: this.#options.measures.promptTokensPerByte(models),
      },
    });
    const { promptTokens: prompt, completionTokens: completion } = estimate;
    const costNanoUsd = estimatedCostNanoUsd(snapshot, resolved, { prompt, completion });
    const own = usesNone ? [] : limitsOf(snapshot, record.teamId);
    const limits = own.filter((limit) => bindsModels(limit, models) && bindsKey(limit, record.name));
    const costs = limits.some(({ limit }) => limit.quantity === 'cost_nano_usd');
    const promptCostNanoUsd = costs ? estimatedCostNanoUsd(snapshot, resolved, { prompt, completion: 0 }) : 0;
    const caller = { keyId: record.id, user: call.user, metadata: call.metadata };
    let bound: Bound | undefined;
    if (limits.some(isStrict) && !counts) {
      try {
        bound = boundOf(snapshot, resolved, { ...call, generates }, limits.some(countsPrompt));
      } catch (error) {
        if (!(error instanceof TollgateError) || error.code !== 'invalid_request') throw error;
        this.#count('unbounded');
        return refuse(asked, error);
      }
    }
    const need = { ...estimate, costNanoUsd, promptCostNanoUsd, bound };
    const plan = planCharges(limits, need, caller, (limit) => boundsAt(limit, call.startedAtMs));
    const tooLarge = neverFits(plan);
    if (tooLarge) {
      this.#count('too_large');
      return refuse(asked, neverFitsRefusal(tooLarge), {}, hitOf(tooLarge.limit));
    }
    const receipt = receiptOf(asked, plan, bound ?? estimate, completion);
    const lease = abandonedRow(receipt, {
      proxy: proxy.name,
      modelRequested: call.model,
      surface: call.surface,
      stream: call.stream,
      metadata: call.metadata,
      costNanoUsd,
      priceListVersion: snapshot.priceListVersion,
    });
    const abandoned = encode(UsageEvent, lease);
    const alone = allowsWithinShare(limits);
    return call.idempotency
      ? this.#once(asked, call.idempotency, plan, receipt, abandoned, alone)
      : this.#reserve(asked, plan, receipt, abandoned, alone);
  }

  /** Reserves for the one request that makes the call of an idempotency key; the others read what came of it, or who makes it. */
  async #once(
    asked: Asked,
    claim: IdempotencyClaim,
    plan: Plan,
    receipt: Receipt,
    record: Uint8Array,
    alone: boolean,
  ): Promise<GuardResult> {
    const { organizationId, teamId, requestId } = receipt;
    let claimed: Claimed;
    try {
      claimed = await this.#options.idempotency.claim(organizationId, teamId, requestId, claim);
    } catch (error) {
      // Whether somebody made the call already nobody knows: no share of a limit helps here.
      if (error instanceof StoreFault) return this.#unavailable(error.internal ?? '');
      throw error;
    }
    if (claimed.kind === 'claimed') return this.#reserveHeld(asked, claim, plan, receipt, record, alone);
    if (claimed.kind === 'running') return standing(asked, { running: claimed.requestId, answer: noAnswer });
    if (claimed.kind === 'answered') {
      this.#count('replayed');
      return standing(asked, { running: '', answer: claimed.answer });
    }
    this.#count('idempotency');
    const code = claimed.kind === 'mismatch' ? 'idempotency_mismatch' : 'idempotency_not_kept';
    return refuse(asked, new TollgateError(code, { param: 'idempotency-key' }));
  }

  /** What is not admitted makes no call: the key is free again for its retry. */
  async #reserveHeld(
    asked: Asked,
    { key }: IdempotencyClaim,
    plan: Plan,
    receipt: Receipt,
    record: Uint8Array,
    alone: boolean,
  ): Promise<GuardResult> {
    let admitted = false;
    try {
      const result = await this.#reserve(asked, plan, receipt, record, alone);
      admitted = result?.$case === 'auth' && result.value.refusal === undefined;
      return result;
    } finally {
      const { organizationId, teamId, requestId } = receipt;
      const end = { requestId, organizationId, teamId, key, answer: noAnswer, unkept: false };
      // Where the store cannot, a retry finds that nobody owns this request.
      if (!admitted) await this.#options.idempotency.end(end).catch(() => undefined);
    }
  }

  async #reserve(asked: Asked, plan: Plan, receipt: Receipt, record: Uint8Array, alone: boolean): Promise<GuardResult> {
    const { store, degraded, onUncertain, onRebuilding, onAdmitted, now } = this.#options;
    const { organizationId, requestId, startedAtMs } = receipt;
    if (alone && degraded.active) {
      return this.#admitAlone(plan, receipt, record) ?? this.#unavailable("the replica's share is used up");
    }
    try {
      const { charges, bound } = plan;
      const answer = await store.reserve(organizationId, { requestId, startedAtMs, charges, bound, record });
      if (alone && answer.counters.length > 0) degraded.saw(plan, answer);
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
            receipt: admittedReceipt(receipt, answer),
            ...{ refusal: undefined, headers, hits, models: modelsOf(asked) },
          });
        case 'repeated':
          this.#count('repeated');
          return reply({
            receipt: UsageEvent.decode(answer.record ?? record).receipt,
            ...{ refusal: undefined, headers, hits, models: modelsOf(asked) },
          });
        case 'refused':
          this.#count('budget');
          return this.#refuseBudget(
            asked,
            answer.grant ? withAmounts(plan, answer.grant) : plan,
            answer.counters,
            limits,
          );
        case 'over':
          throw new TollgateError('guard_unavailable', { internal: `request ${requestId} was given up before` });
        case 'rebuilding':
          onRebuilding(organizationId);
          if (alone) degraded.begin();
          return (
            (alone ? this.#admitAlone(plan, receipt, record) : undefined) ??
            this.#unavailable('the counters are not rebuilt yet')
          );
      }
    } catch (error) {
      if (!(error instanceof StoreFault)) throw error;
      if (alone) degraded.failed();
      const admitted = alone ? this.#admitAlone(plan, receipt, record) : undefined;
      if (admitted) return admitted;
      if (error.uncertain) onUncertain(organizationId, requestId);
      return this.#unavailable(error.internal ?? '');
    }
  }

  /** Without the store, from this replica's share; undefined: it has none left. */
  #admitAlone(plan: Plan, receipt: Receipt, record: Uint8Array): GuardResult | undefined {
    const { degraded, onAdmitted } = this.#options;
    if (!degraded.admit(plan, receipt, record)) return undefined;
    onAdmitted();
    this.#count('within_share');
    // What is left of a limit nobody knows, so no rate-limit header is told.
    return reply({
      ...{ receipt, refusal: undefined, models: [] },
      ...{ headers: { 'x-tollgate-degraded': 'budget_store' }, hits: { 'degraded.budget_store': 1 } },
    });
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
    this.#options.onRefused(plan, refusal, counters, asked.snapshot);
    return refuse(asked, limitRefusal(refusal, this.#options.now()), headers, hitOf(refusal.check.limit));
  }

  #tell(hits: Record<string, number>): void {
    for (const hit in hits) this.#passed.inc({ mode: hit.startsWith('soft') ? 'soft' : 'shadow' });
  }

  #count(decision: Decision): void {
    this.#decisions.inc({ decision });
  }
}

/** Images and files need a bound only where their tokens count. */
function countsPrompt(limit: ScopedLimit): boolean {
  return isStrict(limit) && limit.limit.quantity !== 'completion_tokens';
}
