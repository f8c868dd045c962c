import type { Bus } from '@tollgate/bus';
import { proxyById, rotationOf } from '@tollgate/config';
import { RouteReport } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import type { RotationStore } from '../adapters/rotation-store.ts';
import { suspendedUntilMs } from '../domain/suspension.ts';
import { targetId } from './route.ts';

export interface ReportDependencies {
  config: Pick<Bus['config'], 'at'>;
  store: RotationStore;
  logger: Logger;
  now(): number;
  onSuspended(target: string): void;
}

/** Takes upstream's reports (tg.v1.route.report): failures suspend a target for all replicas, a good probe frees it. */
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
    const untilMs = suspendedUntilMs(rotation, report.retryAfterMs, nowMs);
    if (untilMs === 0 && report.outcome !== 'ok') return;
    const target = targetId(report);
    const { outcome, requestId, probe } = report;
    const suspendedMs =
      (await store.report(snapshot.organization.id, { target, outcome, untilMs, nowMs, requestId, probe })) - nowMs;
    if (outcome === 'ok' && suspendedMs <= 0) logger.info({ target }, 'target is back');
    else if (suspendedMs > 0) {
      onSuspended(target);
      logger.warn({ target, outcome, suspendedMs }, 'target suspended');
    }
  }
}
