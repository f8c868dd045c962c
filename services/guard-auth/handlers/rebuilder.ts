import type { UsageMessage } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import type { LedgerSumsReply, LedgerSumsRequest } from '@tollgate/contracts';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { RebuildStore } from '../adapters/rebuild-store.ts';
import { counterSums, ledgerQuestions } from '../domain/ledger-windows.ts';
import { type Portion, Replay } from '../domain/replay.ts';

export interface RebuilderOptions {
  store: BudgetStore;
  /** The stream USAGE. */
  usage: {
    state(): Promise<{ firstSeq: number; lastSeq: number }>;
    read(range: { fromSeq: number; toSeq: number }): AsyncIterable<UsageMessage>;
  };
  ledger: { sums(request: LedgerSumsRequest): Promise<LedgerSumsReply> };
  askOwners(organizationId: string): void;
  /** When this replica last saw an admission or a renewal, ms; 0 = never. */
  lastActivityMs(): number;
  snapshot(): ConfigSnapshot | undefined;
  logger: Logger;
  metrics: Metrics;
  now(): number;
  wait(ms: number): Promise<void>;
}

/** contracts.md: owners answer within this; leases of the rest are the reaper's. */
const ownersAnswerMs = 2000;
/** An owner with requests renews every 10 s: heard of none for so long, none is there. */
const ownersSilentMs = 30_000;
const lockHeldEveryMs = 2000;
/**
 * A server that lost its last seconds, or a stale replica, may hold leases of requests that the ledger's sums count. Such
 * are looked for in so many messages before the sums' end.
 */
const lookBackMessages = 10_000;

/**
 * Makes an organization's counters anew on a server that is not the one they were built on: from USAGE while it still
 * holds its first message, else from the ledger's sums and the usage after them. Meanwhile no admission is made.
 */
export class Rebuilder {
  readonly #options: RebuilderOptions;
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  readonly #rebuilds: Counter<'outcome'>;
  #running: Promise<void> | undefined;

  constructor(options: RebuilderOptions) {
    this.#options = options;
    this.#rebuilds = options.metrics.counter('tollgate_budget_rebuilds_total', 'Rebuilds of counters', ['outcome']);
  }

  /** Organizations whose counters may not be there. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The counters may not be those of the server that is there now: looks, and rebuilds them if so. */
  suspect(organizationId: string): void {
    if (!this.#waiting.has(organizationId)) this.#waiting.set(organizationId, Promise.withResolvers<void>());
    void this.work();
  }

  async whenBuilt(organizationId: string, timeoutMs: number): Promise<boolean> {
    this.suspect(organizationId);
    const built = this.#waiting.get(organizationId)?.promise.then(() => true) ?? true;
    return Promise.race([built, this.#options.wait(timeoutMs).then(() => false)]);
  }

  /** One attempt for all that are suspected, one at a time; called again and again while there are any. */
  work(): Promise<void> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #attempt(): Promise<void> {
    for (const [organizationId, waiting] of this.#waiting) {
      if (!this.#options.store.redis.ready()) return;
      try {
        if (!(await this.#isThere(organizationId))) continue;
        this.#waiting.delete(organizationId);
        waiting.resolve();
      } catch (error) {
        this.#options.logger.warn({ err: error, organizationId }, 'budget counters are not there yet; trying again');
      }
    }
  }

  async #isThere(organizationId: string): Promise<boolean> {
    const { store } = this.#options;
    if (await store.built(organizationId)) return true;
    const rebuild = await RebuildStore.begin(store, organizationId);
    if (!rebuild) return false;
    try {
      await this.#rebuild(organizationId, rebuild);
      this.#rebuilds.inc({ outcome: 'done' });
      return true;
    } catch (error) {
      this.#rebuilds.inc({ outcome: 'failed' });
      await rebuild.giveUp().catch(() => undefined);
      throw error;
    }
  }

  async #rebuild(organizationId: string, rebuild: RebuildStore): Promise<void> {
    const { usage, askOwners, lastActivityMs, logger, now, wait } = this.#options;
    const startedAtMs = now();
    const { firstSeq, lastSeq } = await usage.state();
    const leases = await rebuild.reset(startedAtMs);
    await rebuild.openForRenewals();
    let answered: Promise<void> | undefined;
    if (leases.size > 0 || startedAtMs - lastActivityMs() < ownersSilentMs) {
      askOwners(organizationId);
      answered = wait(ownersAnswerMs);
    }
    const countedSeq = firstSeq <= 1 ? 0 : await this.#fromLedger(organizationId, rebuild, firstSeq);
    const fromSeq = Math.max(firstSeq, leases.size > 0 ? countedSeq + 1 - lookBackMessages : countedSeq + 1, 1);
    const replay = new Replay({ organizationId, leases, countedSeq, now });
    let heldAtMs = now();
    for await (const message of usage.read({ fromSeq, toSeq: lastSeq })) {
      const portion = replay.add(message);
      if (portion) await settlePortion(rebuild, portion);
      else if (now() - heldAtMs > lockHeldEveryMs) await rebuild.holdLock();
      else continue;
      heldAtMs = now();
    }
    await settlePortion(rebuild, replay.rest());
    await answered;
    await rebuild.finish(Math.max(countedSeq, lastSeq));
    logger.info(
      { organizationId, countedSeq, lastSeq, leases: leases.size, tookMs: now() - startedAtMs },
      'budget counters rebuilt',
    );
  }

  /** Returns the sequence of USAGE up to which the ledger's sums count. */
  async #fromLedger(organizationId: string, rebuild: RebuildStore, firstSeq: number): Promise<number> {
    const { ledger, now, snapshot } = this.#options;
    const current = snapshot();
    const nowMs = now();
    const own = current?.organization.id === organizationId ? current : undefined;
    const [first = [], ...further] = own ? ledgerQuestions(own, nowMs) : [];
    const reply = await ledger.sums({ organizationId, windows: first, upToSeq: 0 });
    if (reply.error !== '') throw new Error(`the ledger has no sums: ${reply.error}`);
    if (firstSeq > reply.acknowledgedSeq + 1) {
      throw new Error(
        `USAGE begins at ${firstSeq}, the ledger ends at ${reply.acknowledgedSeq}: waiting for the ledger`,
      );
    }
    const sums = [...reply.sums];
    for (const windows of further) {
      const more = await ledger.sums({ organizationId, windows, upToSeq: reply.acknowledgedSeq });
      if (more.error !== '') throw new Error(`the ledger has no sums: ${more.error}`);
      sums.push(...more.sums);
      await rebuild.holdLock();
    }
    if (own) await rebuild.addSums(counterSums(own, nowMs, sums));
    await rebuild.addMarks(
      reply.unmeasured.map(({ requestId, receipt, version, billed, costNanoUsd, model }) => ({
        requestId,
        startedAtMs: receipt?.startedAtMs ?? 0,
        version,
        promptTokens: billed?.prompt ?? 0,
        completionTokens: billed?.completion ?? 0,
        costNanoUsd,
        model,
      })),
    );
    return reply.acknowledgedSeq;
  }
}

async function settlePortion(rebuild: RebuildStore, { counted, settlements }: Portion): Promise<void> {
  if (counted.length > 0) await rebuild.addMarks(counted);
  if (settlements.length > 0) await rebuild.settle(settlements);
}
