import { addUsage, type IssuedUsage, NO_USAGE } from './usage.ts';

export interface DeploymentTotals {
  calls: number;
  /** Whole successful answers. */
  completed: number;
  /** The caller left before the end. */
  aborted: number;
  /** Neither: refused, disturbed by a fault, or still running. */
  other: number;
  /** What completed calls were told. */
  issued: IssuedUsage;
  /** What was generated for calls that did not complete; a provider may bill it. */
  unfinished: IssuedUsage;
}

export interface Totals {
  deployments: Record<string, DeploymentTotals>;
  all: DeploymentTotals;
}

export interface EndedCall {
  completed: boolean;
  aborted: boolean;
  usage?: IssuedUsage | undefined;
}

const EMPTY: DeploymentTotals = {
  calls: 0,
  completed: 0,
  aborted: 0,
  other: 0,
  issued: NO_USAGE,
  unfinished: NO_USAGE,
};

/** Sums over all calls since the start or the last reset; unlike the recorder's ring they forget nothing. */
export class TotalsCounter {
  readonly #known: ReadonlySet<string>;
  #deployments = new Map<string, DeploymentTotals>();

  /** Calls to other names are summed as `unknown`: a caller must not be able to fill the memory with names. */
  constructor(deployments: Iterable<string>) {
    this.#known = new Set(deployments);
  }

  received(deployment: string | undefined): void {
    const totals = this.#of(deployment);
    totals.calls += 1;
    totals.other += 1;
  }

  ended(deployment: string | undefined, call: EndedCall): void {
    const totals = this.#of(deployment);
    const usage = call.usage ?? NO_USAGE;
    if (call.completed) {
      totals.completed += 1;
      totals.other -= 1;
      totals.issued = addUsage(totals.issued, usage);
      return;
    }
    if (call.aborted) {
      totals.aborted += 1;
      totals.other -= 1;
    }
    totals.unfinished = addUsage(totals.unfinished, usage);
  }

  read(): Totals {
    const deployments = Object.fromEntries([...this.#deployments].map(([name, totals]) => [name, { ...totals }]));
    const all = { ...EMPTY };
    for (const totals of this.#deployments.values()) {
      all.calls += totals.calls;
      all.completed += totals.completed;
      all.aborted += totals.aborted;
      all.other += totals.other;
      all.issued = addUsage(all.issued, totals.issued);
      all.unfinished = addUsage(all.unfinished, totals.unfinished);
    }
    return { deployments, all };
  }

  reset(): void {
    this.#deployments.clear();
  }

  #of(deployment: string | undefined): DeploymentTotals {
    const name = deployment !== undefined && this.#known.has(deployment) ? deployment : 'unknown';
    let totals = this.#deployments.get(name);
    if (!totals) {
      totals = { ...EMPTY };
      this.#deployments.set(name, totals);
    }
    return totals;
  }
}
