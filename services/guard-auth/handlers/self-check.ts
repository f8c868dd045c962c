import type { ConfigSnapshot, KeyRecord } from '@tollgate/config';
import type { Logger, Metrics } from '@tollgate/telemetry';
import type { ProbeStore } from '../adapters/probe-store.ts';
import type { ScopedLimit } from '../domain/limits.ts';
import { bindingOf, faultOf, type Probe, type ProbeAnswer, probesOf, usedUp } from '../domain/probe.ts';

export interface SelfCheckOptions {
  store: Pick<ProbeStore, 'runId' | 'admit'>;
  snapshot(): ConfigSnapshot | undefined;
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

/** How often it looks whether there is something to prove, in ms. */
export const selfCheckEveryMs = 250;
/** Told in readiness; the log has all. */
const toldMax = 3;

/**
 * Proves that each configured limit works: an admission that it binds passes while nothing is used, and is refused (of
 * soft and shadow limits: noted) when all is. Once for each revision and each Redis server.
 */
export class SelfCheck {
  readonly #options: SelfCheckOptions;
  readonly #unproven: { set(value: number): void };
  #proven = '';
  #faults: string[] = [];
  #failed: ScopedLimit[] = [];

  constructor(options: SelfCheckOptions) {
    this.#options = options;
    this.#unproven = options.metrics.gauge('tollgate_limits_unproven', 'Limits that failed the self-check');
  }

  /** For readiness: true, or which limits do not work. A new revision keeps the last result until it has its own. */
  state(): true | string {
    if (this.#proven === '') return 'limits are not proven yet';
    if (this.#faults.length === 0) return true;
    const more = this.#faults.length - toldMax;
    return this.#faults.slice(0, toldMax).join('; ') + (more > 0 ? `; and ${more} more` : '');
  }

  /**
   * A limit that failed and should hold requests with this key for these models: such are not to be admitted. Limits that
   * refuse nobody are none.
   */
  unproven(key: Pick<KeyRecord, 'projectId' | 'teamId' | 'name'>, models: readonly string[]): ScopedLimit | undefined {
    return this.#failed.length === 0 ? undefined : bindingOf(this.#failed, key, models);
  }

  /** Does nothing while there is nothing to prove, or no server to prove it on. @throws StoreFault */
  async work(): Promise<void> {
    const { store, logger, now } = this.#options;
    const snapshot = this.#options.snapshot();
    const { runId } = store;
    if (snapshot === undefined || runId === '') return;
    const subject = `${snapshot.revision} ${runId}`;
    if (subject === this.#proven) return;
    const faults: string[] = [];
    const failed: ScopedLimit[] = [];
    let limits = 0;
    for (const probe of probesOf(snapshot, now())) {
      limits++;
      const fault = await this.#prove(snapshot.organization.id, probe);
      if (fault === undefined) continue;
      faults.push(`${probe.name} ${fault}`);
      failed.push(probe.limit);
      logger.error({ limit: probe.name, revision: snapshot.revision }, `limit ${fault}`);
    }
    this.#proven = subject;
    this.#faults = faults;
    this.#failed = failed;
    this.#unproven.set(faults.length);
    logger.info(
      { limits, faults: faults.length, revision: snapshot.revision },
      'limits were tried on the budget Redis',
    );
  }

  async #prove(organizationId: string, probe: Probe): Promise<string | undefined> {
    const { store, now } = this.#options;
    const { plan, check } = probe;
    if (check === undefined) return faultOf(probe);
    const answers: ProbeAnswer[] = [];
    for (const counters of [new Map(), new Map([[check.charge, usedUp(check)]])]) {
      const answer = await store.admit(organizationId, plan, counters, now());
      answers.push(answer);
    }
    return faultOf(probe, ...answers);
  }
}
