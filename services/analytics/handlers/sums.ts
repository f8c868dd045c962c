import { payloadBytesMax, type UsageConsumer } from '@tollgate/bus';
import { encode, LedgerSumsReply, LedgerSumsRequest, Receipt, type UnmeasuredCharge } from '@tollgate/contracts';
import type {
  BudgetScope,
  BudgetSum,
  BudgetSums,
  BudgetSumsQuestion,
  BudgetWindow,
  Figures,
  UnmeasuredRow,
} from '@tollgate/ledger';
import type { Counter, Logger, Metrics } from '@tollgate/telemetry';

export interface SumsOptions {
  ledger: { budgetSums(question: BudgetSumsQuestion): Promise<BudgetSums> };
  /** Undefined until the consumer is there. */
  consumer(): Pick<UsageConsumer, 'ackFloor'> | undefined;
  logger: Logger;
  metrics: Metrics;
  now(): number;
}

/** contracts.md, Budgets: unmeasured charges are told for a day. */
const UNMEASURED_MS = 24 * 3_600_000;
/** Rebuilds are rare; more at once would be a fault of those who ask. */
const AT_ONCE_MAX = 4;
const SCOPES: readonly string[] = ['organization', 'project', 'team', 'key'] satisfies BudgetScope[];

/** Answers `tg.v1.ledger.sums`: what a rebuild of an organization's running windows starts from. */
export class Sums {
  readonly #options: SumsOptions;
  readonly #answers: Counter<'outcome'>;
  readonly #untold: Counter;
  #running = 0;

  constructor(options: SumsOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#answers = metrics.counter('tollgate_ledger_sums_total', 'Answers to rebuilds of budgets', ['outcome']);
    this.#untold = metrics.counter(
      'tollgate_ledger_sums_untold_total',
      'Unmeasured charges that an answer had no room for',
    );
  }

  /** Never rejects: what went wrong stands in the answer. */
  async answer(bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#running >= AT_ONCE_MAX) return this.#refuse(`${AT_ONCE_MAX} sums are being made already`);
    this.#running++;
    try {
      const reply = await this.#reply(LedgerSumsRequest.decode(bytes));
      this.#answers.inc({ outcome: 'ok' });
      return reply;
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'no sums for a rebuild of budgets');
      return this.#refuse(error instanceof Error ? error.message : String(error));
    } finally {
      this.#running--;
    }
  }

  async #reply(request: LedgerSumsRequest): Promise<Uint8Array> {
    const { consumer, ledger, now } = this.#options;
    const source = consumer();
    if (!source) throw new Error('the USAGE stream was not reached yet');
    // Before anything is read: all rows up to here are in the ledger, whatever comes meanwhile.
    const atHand = await source.ackFloor();
    const acknowledgedSeq = request.upToSeq > 0 ? Math.min(request.upToSeq, atHand) : atHand;
    const { sums, unmeasured } = await ledger.budgetSums({
      organizationId: request.organizationId,
      windows: request.windows.map(toWindow),
      upToSeq: acknowledgedSeq,
      unmeasuredSinceMs: now() - UNMEASURED_MS,
    });
    const reply = { acknowledgedSeq, sums: sums.filter(hasUsage).map(fromSum), unmeasured: [], error: '' };
    return this.#withUnmeasured(reply, unmeasured);
  }

  /**
   * A message has its bound. Abandoned requests come first, as only they are likely to be replaced; a charge that is left out and replaced
   * all the same is counted twice, never too little.
   */
  #withUnmeasured(reply: LedgerSumsReply, rows: readonly UnmeasuredRow[]): Uint8Array {
    const likely = rows.toSorted((a, b) => a.version - b.version || b.startedAtMs - a.startedAtMs);
    const room = payloadBytesMax - encode(LedgerSumsReply, reply).length;
    if (room < 0) throw new RangeError(`the sums of ${reply.sums.length} windows do not fit into one message`);
    const told = likely.slice(0, Math.floor(room / CHARGE_BYTES_MAX));
    const untold = rows.length - told.length;
    if (untold > 0) {
      this.#untold.inc(untold);
      this.#options.logger.warn({ untold }, 'not all unmeasured charges fit into the answer');
    }
    return encode(LedgerSumsReply, { ...reply, unmeasured: told.map(fromRow) });
  }

  #refuse(error: string): Uint8Array {
    this.#answers.inc({ outcome: 'refused' });
    return encode(LedgerSumsReply, { acknowledgedSeq: 0, sums: [], unmeasured: [], error });
  }
}

/** Ids of 64 characters, a model's name of 128, and every number at its largest. */
const CHARGE_BYTES_MAX = 450;

function toWindow(asked: LedgerSumsRequest['windows'][number]): BudgetWindow {
  const { scope, scopeId, startMs, endMs, models, selector, quantity, window } = asked;
  if (!SCOPES.includes(scope)) throw new RangeError(`a window has the scope ${SCOPES.join(', ')}, not '${scope}'`);
  const counters = selector === '' ? undefined : { selector, quantity, window };
  return { scope: scope as BudgetScope, scopeId, startMs, endMs, models, counters };
}

/** Most windows of a large configuration are empty, and who asks reads a window without a sum as such. */
function hasUsage({ requests, promptTokens, completionTokens, costNanoUsd }: BudgetSum): boolean {
  return requests > 0 || promptTokens > 0 || completionTokens > 0 || costNanoUsd > 0;
}

function fromSum({ window, requests, costNanoUsd, values, ...tokens }: BudgetSum): LedgerSumsReply['sums'][number] {
  const { scope, scopeId, startMs, endMs, models, counters } = window;
  const { selector, quantity, window: name } = counters ?? { selector: '', quantity: '', window: '' };
  const asked = { scope, scopeId, startMs, endMs, models: [...models], selector, quantity, window: name };
  const parts = [...values].map(([value, figures]) => ({ value, spent: spentOf(quantity, figures) }));
  if (counters) return { window: asked, requests: 0, costNanoUsd: 0, billed: undefined, values: parts };
  return { window: asked, requests, costNanoUsd, billed: billedOf(tokens), values: [] };
}

/** What a counter of this quantity holds after such usage. @throws RangeError for a quantity that nobody counts */
function spentOf(quantity: string, figures: Figures): number {
  const { promptTokens, completionTokens, costNanoUsd, requests } = figures;
  if (quantity === 'tokens') return promptTokens + completionTokens;
  if (quantity === 'prompt_tokens') return promptTokens;
  if (quantity === 'completion_tokens') return completionTokens;
  if (quantity === 'cost_nano_usd') return costNanoUsd;
  if (quantity === 'requests') return requests;
  throw new RangeError(`the ledger has no sums of '${quantity}'`);
}

function fromRow(row: UnmeasuredRow): UnmeasuredCharge {
  return {
    requestId: row.requestId,
    version: row.version,
    billed: billedOf(row),
    costNanoUsd: row.costNanoUsd,
    model: row.model,
    // What a later event of that request brings with it anyway is left out, for more charges to fit.
    receipt: { ...NO_RECEIPT, requestId: row.requestId, startedAtMs: row.startedAtMs },
  };
}

function billedOf(row: Omit<Figures, 'requests' | 'costNanoUsd'>) {
  return {
    prompt: row.promptTokens,
    completion: row.completionTokens,
    cachedPrompt: row.cachedPromptTokens,
    reasoning: row.reasoningTokens,
  };
}

const NO_RECEIPT = Receipt.decode(new Uint8Array(0));
