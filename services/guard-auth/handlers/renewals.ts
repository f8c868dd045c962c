import type { ConfigSnapshot } from '@tollgate/config';
import { encode, LeaseRenewal, type Receipt, Surface, UsageEvent } from '@tollgate/contracts';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { reservedCostNanoUsd } from '../domain/grant.ts';
import { estimatedCostNanoUsd } from '../domain/prices.ts';
import { abandonedRow } from '../domain/usage-rows.ts';

export interface RenewalsOptions {
  store: Pick<BudgetStore, 'renew'>;
  snapshot(): ConfigSnapshot | undefined;
  onSeen(): void;
  logger: Logger;
  metrics: Metrics;
}

/** Renewals of one script call. */
const renewalsMax = 200;

/** Owners' renewals, every 10 s or when asked. One that is lost is made up for by the next: a lease lives for three. */
export class Renewals {
  readonly #options: RenewalsOptions;
  readonly #outcomes: Counter<'outcome'>;

  constructor(options: RenewalsOptions) {
    this.#options = options;
    this.#outcomes = options.metrics.counter('tollgate_lease_renewals_total', 'Leases renewed by owners, by outcome', [
      'outcome',
    ]);
  }

  async handle(bytes: Uint8Array): Promise<void> {
    const { receipts } = LeaseRenewal.decode(bytes);
    if (receipts.length > 0) this.#options.onSeen();
    const byOrganization = Map.groupBy(receipts, ({ organizationId }) => organizationId);
    for (const [organizationId, all] of byOrganization) {
      for (let at = 0; at < all.length; at += renewalsMax) {
        await this.#renew(organizationId, all.slice(at, at + renewalsMax));
      }
    }
  }

  async #renew(organizationId: string, receipts: Receipt[]): Promise<void> {
    const renewals = receipts.map((receipt) => ({ receipt, record: this.#record(receipt) }));
    try {
      const done = await this.#options.store.renew(organizationId, renewals);
      this.#outcomes.inc({ outcome: done ? 'renewed' : 'too_early' }, receipts.length);
    } catch (error) {
      this.#outcomes.inc({ outcome: 'failed' }, receipts.length);
      this.#options.logger.warn(
        { err: error, leases: receipts.length },
        'leases not renewed; their owners renew again',
      );
    }
  }

  /** What a lease becomes that is written again: of the request no more is known than its receipt. */
  #record(receipt: Receipt): Uint8Array {
    const snapshot = this.#options.snapshot();
    const tokens = { prompt: receipt.estimatedPromptTokens, completion: receipt.estimatedCompletionTokens };
    const row = abandonedRow(receipt, {
      proxy: '',
      modelRequested: '',
      surface: Surface.UNSPECIFIED,
      stream: false,
      metadata: {},
      costNanoUsd: reservedCostNanoUsd(receipt) ?? (snapshot ? estimatedCostNanoUsd(snapshot, undefined, tokens) : 0),
      priceListVersion: snapshot?.priceListVersion ?? '',
    });
    return encode(UsageEvent, row);
  }
}
