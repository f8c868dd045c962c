import {
  assertSchema,
  type BudgetSums,
  type BudgetSumsQuestion,
  budgetSums,
  type Finding,
  type HourRange,
  insertUsage,
  type LedgerClient,
  newestFindings,
  type Reconciliation,
  recordFindings,
  refreshRollups,
  type UsageRow,
} from '@tollgate/ledger';

/** The ledger as this service uses it, with what it knows of its state. Touches nothing before the schema was seen to fit. */
export class LedgerStore {
  readonly #client: LedgerClient;
  readonly #probeMsMax: number;
  #fits = false;
  #fault: string | undefined = 'not asked yet';

  constructor(client: LedgerClient, { probeMsMax = PROBE_MS_MAX } = {}) {
    this.#client = client;
    this.#probeMsMax = probeMsMax;
  }

  /** Why nothing can be written, or undefined. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Asks whether the ledger is there and fits; for times in which nothing is written. */
  probe(): Promise<void> {
    // A ledger that was replaced meanwhile is seen here and not by its first refused row.
    this.#fits = false;
    return this.#noting(async () => {}, AbortSignal.timeout(this.#probeMsMax));
  }

  /** Resolves when all rows are on disk. @throws SchemaError, ClickHouseError, Error when it is away or the signal fired */
  insert(rows: readonly UsageRow[], signal: AbortSignal): Promise<void> {
    return this.#noting(() => insertUsage(this.#client, rows, { signal }), signal);
  }

  async refreshRollups(): Promise<HourRange[]> {
    await this.#check();
    return refreshRollups(this.#client);
  }

  async budgetSums(question: BudgetSumsQuestion): Promise<BudgetSums> {
    await this.#check();
    return budgetSums(this.#client, question);
  }

  /** A question of the reconciler's. */
  async ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> {
    await this.#check();
    return question(this.#client);
  }

  recordFindings(findings: readonly Finding[]): Promise<Reconciliation> {
    return this.ask((client) => recordFindings(client, findings));
  }

  newestFindings(ageMsMax: number): Promise<Reconciliation | undefined> {
    return this.ask((client) => newestFindings(client, ageMsMax));
  }

  async #check(signal?: AbortSignal): Promise<void> {
    if (!this.#fits) await assertSchema(this.#client, undefined, { signal });
    this.#fits = true;
  }

  async #noting(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await this.#check(signal);
      await work();
      this.#fault = undefined;
    } catch (error) {
      this.#fits = false;
      this.#fault = signal.aborted ? 'ClickHouse does not answer' : reasonOf(error);
      throw error;
    }
  }
}

/** Of a question that costs next to nothing: one that hangs is told long before a write is given up. */
const PROBE_MS_MAX = 5000;

function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || 'the ledger does not answer';
}
