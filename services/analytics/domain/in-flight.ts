import type { UsageMessage } from '@tollgate/bus';
import type { Reservation } from '@tollgate/contracts';

/** What a request is charged. */
export interface Charge {
  /** abandoned 1 < estimated 2 < measured 3; 0: nothing yet. */
  version: number;
  promptTokens: number;
  completionTokens: number;
  costNanoUsd: number;
  /** 1 for each request that reserved something, whatever it used. */
  requests: number;
  /** That served; empty when nobody knows: then every limit counts it. */
  model: string;
}

export interface Bounds {
  low: number;
  high: number;
}

interface Request {
  counters: ReadonlySet<string>;
  /** In the ledger's sums. */
  counted: Charge;
  /** In the counters for sure. */
  settled: Charge;
  /** One of these may have replaced it by now. */
  maybe: Charge[];
}

const NO_CHARGE: Charge = { version: 0, promptTokens: 0, completionTokens: 0, costNanoUsd: 0, requests: 0, model: '' };

/** Undefined for what the rows have no figure of. */
export function chargeOf(quantity: string, charge: Omit<Charge, 'version' | 'model'>): number | undefined {
  switch (quantity) {
    case 'tokens':
      return charge.promptTokens + charge.completionTokens;
    case 'prompt_tokens':
      return charge.promptTokens;
    case 'completion_tokens':
      return charge.completionTokens;
    case 'cost_nano_usd':
      return charge.costNanoUsd;
    case 'requests':
      return charge.requests;
    default:
      return undefined;
  }
}

/** Names a counter among an organization's. */
export function counterName(
  of: Pick<Reservation, 'scope' | 'scopeId' | 'quantity' | 'window' | 'windowStartMs' | 'selector'>,
): string {
  return `${of.scope} ${of.scopeId} ${of.quantity} ${of.window} ${of.windowStartMs} ${of.selector}`;
}

/**
 * What the counters may hold beside the ledger's sums: usage after the sequence that the sums count up to. Up to another sequence it is
 * settled for sure; what came later may be settled or not, so a busy system gives two bounds, an idle one twice the same number.
 */
export class InFlight {
  readonly #settledSeq: number;
  readonly #organizationId: string;
  readonly #counted: ReadonlyMap<string, Charge>;
  readonly #requests = new Map<string, Request>();

  /** @param counted charges in the sums that a later version may replace, by request id */
  constructor(options: { organizationId: string; settledSeq: number; counted: ReadonlyMap<string, Charge> }) {
    this.#organizationId = options.organizationId;
    this.#settledSeq = options.settledSeq;
    this.#counted = options.counted;
  }

  /** In the order of the stream. */
  add({ seq, batch }: UsageMessage): void {
    for (const { receipt, version, billed, costNanoUsd, model } of batch.events) {
      if (receipt?.organizationId !== this.#organizationId || receipt.reservations.length === 0) continue;
      const charge = {
        version,
        promptTokens: billed?.prompt ?? 0,
        completionTokens: billed?.completion ?? 0,
        costNanoUsd,
        requests: 1,
        model,
      };
      const request = this.#requestOf(receipt.requestId, receipt.reservations);
      if (version <= request.settled.version) continue;
      if (seq <= this.#settledSeq) request.settled = charge;
      else request.maybe.push(charge);
    }
  }

  #requestOf(id: string, reservations: readonly Reservation[]): Request {
    let request = this.#requests.get(id);
    if (!request) {
      const counted = this.#counted.get(id) ?? NO_CHARGE;
      request = {
        counters: new Set(reservations.map(counterName)),
        counted,
        settled: counted,
        maybe: [],
      };
      this.#requests.set(id, request);
    }
    return request;
  }

  /**
   * To be added to the ledger's sum of a counter.
   * @param models that it counts; empty = all
   */
  bounds(counter: string, quantity: string, models: readonly string[] = []): Bounds {
    const bounds = { low: 0, high: 0 };
    const inCounter = (charge: Charge) => {
      const counts = models.length === 0 || charge.model === '' || models.includes(charge.model);
      return counts ? (chargeOf(quantity, charge) ?? 0) : 0;
    };
    for (const { counters, counted, settled, maybe } of this.#requests.values()) {
      if (!counters.has(counter)) continue;
      const possible = [settled, ...maybe].map(inCounter);
      const before = inCounter(counted);
      bounds.low += Math.min(...possible) - before;
      bounds.high += Math.max(...possible) - before;
    }
    return bounds;
  }
}
