import { type ModelRotation, proxyById, rotationOf } from '@tollgate/config';
import { type Receipt, Surface, type Target } from '@tollgate/contracts';
import type { ExtensionAnswer } from '../adapters/extensions.ts';
import type { HedgeOutcome } from '../adapters/metrics.ts';
import { HedgeShare } from '../domain/hedge-share.ts';
import { nothing, priceOf } from './account.ts';
import type { Run } from './run.ts';

export type Hedge = NonNullable<ModelRotation['hedge']>;

/** Of as many proxies the shares are known; beyond it they begin anew. */
const sharesMax = 10_000;

/** Which requests may have a second call beside a silent first one, and how many. */
export class Hedging {
  readonly #told: (outcome: HedgeOutcome) => void;
  /** By proxy, of this process. */
  readonly #shares = new Map<string, HedgeShare>();

  constructor(told: (outcome: HedgeOutcome) => void) {
    this.#told = told;
  }

  /**
   * What its rotation says; undefined for what is never hedged. Of the surfaces only chat completions are: a response may be bound to a
   * resource, and would be kept where nobody looks for it.
   */
  hedgeOf(run: Run): Hedge | undefined {
    const { dispatch, snapshot } = run;
    const { surface, targets, attemptsMax, proxyId } = dispatch;
    if (surface !== Surface.CHAT_COMPLETIONS || targets.length < 2 || attemptsMax < 2) return undefined;
    const proxy = proxyById(snapshot, proxyId);
    const hedge = proxy && rotationOf(proxy)?.hedge;
    if (hedge) this.#shareOf(proxyId).asked(Date.now(), costOfFirst(run));
    return hedge;
  }

  /**
   * Whether this silent request gets its second call now.
   * @param extend asked where a limit counts what it uses: makes the reservation hold it, too
   */
  async allows(run: Run, { maxShare }: Hedge, extend: () => Promise<ExtensionAnswer>): Promise<boolean> {
    const { row, dispatch } = run;
    const share = this.#shareOf(dispatch.proxyId);
    const costNanoUsd = costOfDearest(run);
    if (!share.take(maxShare, Date.now(), costNanoUsd)) {
      this.#told('over_share');
      return false;
    }
    const covered = isUnbound(row.receipt) ? 'granted' : await extend();
    if (covered === 'granted') return true;
    share.giveBack(costNanoUsd);
    this.#told(covered === 'refused' ? 'refused' : 'uncovered');
    return false;
  }

  /** A second call is made. */
  sent(): void {
    this.#told('sent');
  }

  #shareOf(proxyId: string): HedgeShare {
    let share = this.#shares.get(proxyId);
    if (!share) {
      if (this.#shares.size >= sharesMax) this.#shares.clear();
      share = new HedgeShare();
      this.#shares.set(proxyId, share);
    }
    return share;
  }
}

/** No limit counts what a second call uses. */
function isUnbound(receipt: Receipt | undefined): boolean {
  return receipt?.reservations.every(({ quantity }) => ['requests', 'concurrency'].includes(quantity)) ?? false;
}

/** What the request is estimated to cost where it goes first, in nano-dollars. */
function costOfFirst(run: Run): number {
  const [first] = run.dispatch.targets;
  return first ? estimatedCost(run, first) : 0;
}

/** What a second call costs at most, as estimated, wherever it goes. */
function costOfDearest(run: Run): number {
  return Math.max(...run.dispatch.targets.map((target) => estimatedCost(run, target)));
}

function estimatedCost({ row: { receipt }, snapshot }: Run, target: Target): number {
  const { estimatedPromptTokens: prompt = 0, estimatedCompletionTokens: completion = 0 } = receipt ?? {};
  return priceOf(snapshot, target, { ...nothing, tokens: { ...nothing.tokens, prompt, completion } }).nanoUsd;
}
