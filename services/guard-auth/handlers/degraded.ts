import type { UsageMessage } from '@tollgate/bus';
import { type ConfigSnapshot, windowBounds } from '@tollgate/config';
import type { Receipt } from '@tollgate/contracts';
import type { Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore, ReserveAnswer } from '../adapters/budget-store.ts';
import { noWindow } from '../domain/charge.ts';
import { windowNameOf } from '../domain/limit-windows.ts';
import type { Plan } from '../domain/plan.ts';
import { rateOf } from '../domain/rate.ts';
import { settlementOf, settlementsMax } from '../domain/settlement.ts';
import { allAllowWithinShare, limitsWithinShare, type Share, type ShareCounter } from '../domain/share.ts';
import type { LiveReplicas } from './live-replicas.ts';

export interface DegradedOptions {
  store: Pick<BudgetStore, 'read' | 'renew' | 'givenUp' | 'built'> & { redis: Pick<BudgetStore['redis'], 'ready'> };
  share: Share;
  replicas: Pick<LiveReplicas, 'count' | 'forget'>;
  /** The stream USAGE. */
  usage: {
    state(): Promise<{ firstSeq: number; lastSeq: number }>;
    read(range: { fromSeq: number; toSeq: number }): AsyncIterable<UsageMessage>;
    /** Everything up to this sequence is settled and acknowledged. */
    settledSeq(): Promise<number>;
  };
  snapshot(): ConfigSnapshot | undefined;
  /** An admission of an outage that its pipeline had given up; its lease is written now. */
  onGivenUp(organizationId: string, requestId: string): void;
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

interface Admitted {
  receipt: Receipt;
  /** Until its lease is in the store. */
  record: Uint8Array | undefined;
}

/** How often it looks whether the store is there, ms. */
export const degradedEveryMs = 250;
/** Counters are read again this often: so old is at most what is known of others' admissions when the store goes away. */
const refreshEveryMs = 5000;
/** Counters read in one turn of the event loop. */
const readsMax = 200;
/** Admissions of one outage that run at the same time; beyond it they are refused. Some 1.5 KiB each. */
const admittedMax = 20_000;
/** Longer than the slowest replica needs to notice that the store is back, and to write what it admitted. */
const othersWriteMs = 3000;
/** Usage that was published just before an outage was noticed may be of a request that was admitted in it. */
const lookBackMessages = 1000;

/**
 * Admissions while the budget Redis is away, slow or not rebuilt, for requests whose every limit says
 * `onStoreFailure: allow-within-share`: this replica's share of what it last saw to be left, from memory. When the store is
 * back it writes the leases of what it admitted, and goes on within its share until every replica has had the time to do
 * the same and the usage of the outage is settled: until then the store does not know all that was admitted.
 */
export class Degraded {
  readonly #options: DegradedOptions;
  readonly #admitted = new Map<string, Admitted>();
  /** Those of them whose leases are to be written. */
  readonly #unwritten = new Set<string>();
  #sinceMs: number | undefined;
  /** Whether anything was ever seen of the store's counters: else there is nothing to share. */
  #met = false;
  #refreshedAtMs = 0;
  #writing: Promise<boolean> | undefined;
  /** USAGE is read up to this sequence; undefined: not begun. */
  #readSeq: number | undefined;
  /** Its last sequence when the outage began. */
  #beganSeq = 0;
  #back: { sinceMs: number; lastSeq: number } | undefined;

  constructor(options: DegradedOptions) {
    this.#options = options;
    options.metrics.gauge(
      'tollgate_budget_degraded',
      '1 while admissions are made from this replica’s share, without the store',
      [],
      (gauge) => gauge.set(this.active ? 1 : 0),
    );
  }

  /** True: admissions that may be made without the store are. */
  get active(): boolean {
    return this.#sinceMs !== undefined;
  }

  /** A call to the store failed. One that was slow is no outage yet: that is when the next would not be sent. */
  failed(): void {
    if (!this.#options.store.redis.ready()) this.begin();
  }

  /** The store is away, or its counters are not there. */
  begin(): void {
    this.#back = undefined;
    if (this.#sinceMs !== undefined || !this.#met) return;
    this.#sinceMs = this.#options.now();
    this.#options.logger.warn('the budget Redis is away: admitting within this replica’s share where limits allow it');
  }

  /** Remembers what the store answered to an admission that could be made without it. */
  saw(plan: Plan, { counters, shared }: ReserveAnswer): void {
    if (this.active) return;
    this.#met = true;
    this.#options.share.saw(plan.charges, counters, shared);
  }

  /**
   * Admits from memory; false: the share is used up, or not known.
   * @param record the row that the request becomes when its owner dies
   */
  admit(plan: Plan, receipt: Receipt, record: Uint8Array): boolean {
    const { share, replicas } = this.#options;
    const { requestId } = receipt;
    if (this.#admitted.has(requestId)) return true;
    const count = this.#sinceMs === undefined ? undefined : replicas.count(this.#sinceMs);
    if (this.#sinceMs === undefined || !count || this.#admitted.size >= admittedMax) return false;
    if (!share.take(plan.charges, count, this.#sinceMs, this.#options.now())) return false;
    this.#admitted.set(requestId, { receipt, record });
    this.#unwritten.add(requestId);
    if (this.#back) void this.#write();
    return true;
  }

  /** For readiness: a replica that may admit everything without the store is degraded, not unready. */
  describe(what: string): string | { degraded: string } {
    const { replicas, now } = this.#options;
    const snapshot = this.#options.snapshot();
    const known = this.#met && replicas.count(this.#sinceMs ?? now()) !== undefined;
    return known && snapshot && allAllowWithinShare(snapshot)
      ? { degraded: `${what}; admitting within its share` }
      : what;
  }

  /** One step of whatever is to be done; called again and again. @throws whatever the store or the bus throws */
  async work(): Promise<void> {
    if (!this.active && !(await this.#watch())) return;
    const written = this.#options.store.redis.ready() && (await this.#write());
    if (!written) this.#back = undefined;
    await this.#follow();
    if (written && (await this.#isBack())) this.#end();
  }

  /** True: the store went away. */
  async #watch(): Promise<boolean> {
    const { store, replicas, now } = this.#options;
    replicas.forget();
    const snapshot = this.#options.snapshot();
    const limits = snapshot ? limitsWithinShare(snapshot) : [];
    if (!snapshot || limits.length === 0) return false;
    if (!store.redis.ready()) {
      this.begin();
      return this.active;
    }
    if (now() - this.#refreshedAtMs < refreshEveryMs) return false;
    this.#refreshedAtMs = now();
    if (await store.built(snapshot.organization.id)) await this.#refresh(snapshot, limits);
    else this.begin();
    return this.active;
  }

  /** Reads all counters that callers' values do not name, and those that were met. */
  async #refresh(snapshot: ConfigSnapshot, limits: ReturnType<typeof limitsWithinShare>): Promise<void> {
    const { store, share, now } = this.#options;
    const nowMs = now();
    const counters: ShareCounter[] = share.running(nowMs);
    for (const { scope, scopeId, selector, limit } of limits) {
      if (rateOf(limit)) continue;
      const { quantity, timeZone } = limit;
      const window = windowNameOf(limit);
      const { startMs, endMs } = quantity === 'concurrency' ? noWindow : windowBounds(limit.window, timeZone, nowMs);
      counters.push({
        scope,
        scopeId,
        quantity,
        window,
        windowStartMs: startMs,
        windowEndMs: endMs,
        selector,
        value: '',
      });
    }
    for (let at = 0; at < counters.length; at += readsMax) {
      const some = counters.slice(at, at + readsMax);
      const states = await store.read(snapshot.organization.id, some);
      if (this.active) return;
      this.#met = true;
      for (const [place, counter] of some.entries()) {
        const state = states[place];
        if (state) share.learn(counter, state);
      }
    }
  }

  /** Reads from USAGE which requests ended. */
  async #follow(): Promise<void> {
    const { usage, share, now } = this.#options;
    const { firstSeq, lastSeq } = await usage.state();
    if (this.#readSeq === undefined) {
      this.#beganSeq = lastSeq;
      this.#readSeq = lastSeq - lookBackMessages;
    }
    const fromSeq = Math.max(this.#readSeq + 1, firstSeq, 1);
    if (fromSeq > lastSeq) return;
    for await (const { seq, batch } of usage.read({ fromSeq, toSeq: lastSeq })) {
      for (const event of batch.events) {
        const settlement = settlementOf(event, seq, now());
        if (!settlement) continue;
        const admitted = this.#admitted.get(settlement.requestId);
        if (admitted) {
          this.#admitted.delete(settlement.requestId);
          this.#unwritten.delete(settlement.requestId);
          share.settle(admitted.receipt.reservations, settlement);
        } else if (seq > this.#beganSeq && settlement.startedAtMs < (this.#sinceMs ?? 0)) share.free(settlement);
      }
      this.#readSeq = seq;
    }
  }

  /** True: the store knows all that was admitted without it, by whichever replica. */
  async #isBack(): Promise<boolean> {
    const { store, usage, now } = this.#options;
    const organizationId = this.#options.snapshot()?.organization.id ?? '';
    if (!(await store.built(organizationId))) {
      this.#back = undefined;
      return false;
    }
    this.#back ??= { sinceMs: now(), lastSeq: (await usage.state()).lastSeq };
    if (now() - this.#back.sinceMs < othersWriteMs || (await usage.settledSeq()) < this.#back.lastSeq) return false;
    return this.#unwritten.size === 0 && this.#back !== undefined;
  }

  /** Writes the leases of what was admitted without the store; false: it does not take them yet. */
  #write(): Promise<boolean> {
    this.#writing ??= this.#writeAll()
      .catch((error: unknown) => {
        this.#options.logger.debug({ err: error }, 'leases of the outage are not written yet');
        return false;
      })
      .finally(() => {
        this.#writing = undefined;
      });
    return this.#writing;
  }

  async #writeAll(): Promise<boolean> {
    const { store, onGivenUp } = this.#options;
    for (;;) {
      const some = this.#nextUnwritten();
      const organizationId = some[0]?.receipt.organizationId;
      if (organizationId === undefined) return true;
      if (!(await store.renew(organizationId, some))) return false;
      const ids = some.map(({ receipt }) => receipt.requestId);
      for (const id of ids) this.#written(id);
      for (const id of await store.givenUp(organizationId, ids)) onGivenUp(organizationId, id);
    }
  }

  /** Of one organization, as many as one script call may have. */
  #nextUnwritten(): { receipt: Receipt; record: Uint8Array }[] {
    const some: { receipt: Receipt; record: Uint8Array }[] = [];
    for (const requestId of this.#unwritten) {
      const { receipt, record } = this.#admitted.get(requestId) ?? {};
      if (!receipt || !record || receipt.organizationId !== (some[0]?.receipt ?? receipt).organizationId) continue;
      some.push({ receipt, record });
      if (some.length >= settlementsMax) break;
    }
    return some;
  }

  #written(requestId: string): void {
    this.#unwritten.delete(requestId);
    const admitted = this.#admitted.get(requestId);
    if (admitted) admitted.record = undefined;
  }

  #end(): void {
    const { share, logger, now } = this.#options;
    const forMs = now() - (this.#sinceMs ?? 0);
    share.end();
    this.#admitted.clear();
    this.#sinceMs = undefined;
    this.#readSeq = undefined;
    this.#back = undefined;
    this.#refreshedAtMs = 0;
    logger.info({ forMs }, 'the budget Redis knows all that was admitted without it');
  }
}
