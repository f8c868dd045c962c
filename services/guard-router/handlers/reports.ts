import type { Bus } from '@tollgate/bus';
import { type ConfigSnapshot, type ModelRotation, proxyById, rotationOf } from '@tollgate/config';
import { RouteReport } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { AttemptTold, ChoiceStore } from '../adapters/choice-store.ts';
import type { RotationStore } from '../adapters/rotation-store.ts';
import { quotaOf, targetId } from '../domain/plan.ts';
import { suspendedUntilMs } from '../domain/suspension.ts';

export interface ReportDependencies {
  config: Pick<Bus['config'], 'at'>;
  store: RotationStore;
  choices: Pick<ChoiceStore, 'told'>;
  logger: Logger;
  now(): number;
  onSuspended(target: string): void;
}

/**
 * Takes upstream's reports (tg.v1.route.report): failures suspend a target for all replicas, a good probe frees it; where the
 * strategy goes by it, what is in flight and how soon content comes.
 */
export class Reports {
  readonly #dependencies: ReportDependencies;

  constructor(dependencies: ReportDependencies) {
    this.#dependencies = dependencies;
  }

  /** Never rejects: a report that cannot be kept is logged, and the next failure reports again. */
  readonly take = async (bytes: Uint8Array): Promise<void> => {
    const { logger } = this.#dependencies;
    try {
      await this.#keep(RouteReport.decode(bytes));
    } catch (error) {
      logger.warn({ err: error }, 'a report of a target was lost');
    }
  };

  async #keep(report: RouteReport): Promise<void> {
    const { config, store, now, logger, onSuspended } = this.#dependencies;
    const snapshot = await config.at(report.revision);
    const proxy = proxyById(snapshot, report.proxy);
    const rotation = proxy && rotationOf(proxy);
    if (!rotation) return;
    const nowMs = now();
    const told = whatWasTold(snapshot, rotation, report, nowMs);
    if (told) await this.#dependencies.choices.told(snapshot.organization.id, told);
    const { outcome, requestId, probe } = report;
    // Of targets that are told of in any case: it says nothing of their health.
    if (['started', 'running', 'none'].includes(outcome) || (outcome === 'ok' && !probe)) return;
    const untilMs = suspendedUntilMs(rotation, report.retryAfterMs, nowMs);
    if (untilMs === 0 && outcome !== 'ok') return;
    const target = targetId(report);
    const suspendedMs =
      (await store.report(snapshot.organization.id, { target, outcome, untilMs, nowMs, requestId, probe })) - nowMs;
    if (outcome === 'ok' && suspendedMs <= 0) logger.info({ target }, 'target is back');
    else if (suspendedMs > 0) {
      onSuspended(target);
      logger.warn({ target, outcome, suspendedMs }, 'target suspended');
    }
  }
}

/** What the strategy and the rates go by; undefined when that is nothing. */
function whatWasTold(
  snapshot: ConfigSnapshot,
  { strategy }: ModelRotation,
  report: RouteReport,
  nowMs: number,
): AttemptTold | undefined {
  const { requestId, outcome, firstContentMs = 0, stream = false, tokens = 0 } = report;
  const told: AttemptTold = { target: targetId(report), requestId, nowMs };
  const begins = outcome === 'started';
  if (strategy === 'least-busy') told.inFlight = begins || outcome === 'running';
  if (strategy === 'least-latency' && firstContentMs > 0) told.latency = { firstContentMs, stream };
  const quota = begins ? quotaOf(snapshot, report) : undefined;
  if (quota) told.takes = { ...quota, tokens };
  return told.inFlight === undefined && !told.latency && !told.takes ? undefined : told;
}
