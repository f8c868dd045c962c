import { isRecord, type JsonRecord } from '../../../domain/json.ts';
import { unserved } from './refuse.ts';

export interface ThinkingWish {
  baseModel: string;
  /** OpenAI's `reasoning_effort`; undefined: not said. */
  effort: unknown;
  /** Where the caller says it, for errors. */
  effortPath: string;
  /** Anthropic's own `thinking`, which a caller may send as it is. */
  own: unknown;
  /** The caller is to see what was thought. */
  visible: boolean;
  /** The caller's limit of output tokens, or what strict limits grant. */
  maxTokens: number | undefined;
  /** What the configuration says of the model's output. */
  outputTokensMax: number | undefined;
  /** The model must call a tool. */
  forced: boolean;
  /** As Turns says. */
  callsWithoutThought: boolean;
}

export interface Thinking {
  max_tokens: number;
  thinking?: unknown;
  effort?: string;
}

/** Output tokens where nobody says how many; all of Anthropic's models that are offered can write as many. */
const maxTokensDefault = 8192;
/** Anthropic takes no smaller budget (API reference, ThinkingConfigEnabled). */
const budgetLeast = 1024;

/** Tokens of thinking, on models that want a budget. */
const budgets: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 16_384,
};

/** Models before 4.6: a budget is all they take, and later ones decide by themselves how long they think. */
const budgetModel = /claude-(?:3-|(?:opus|sonnet|haiku)-4(?:-[0-5])?(?:-\d{8}|-latest)?$)/;
/** The first that decide, whose efforts end at `high` but for `max`. */
const firstAdaptive = /claude-(?:opus|sonnet)-4-6/;

/**
 * How far the model thinks, and how much it may write: at Anthropic what is thought is a part of that, as reasoning tokens
 * are of `max_completion_tokens`.
 */
export function thinkingOf(wish: ThinkingWish): Thinking {
  const { own, maxTokens, outputTokensMax } = wish;
  const plain = maxTokens ?? outputTokensMax ?? maxTokensDefault;
  if (isRecord(own)) return { max_tokens: withRoom(own, wish, plain), thinking: own };
  const effort = effortOf(wish);
  if (effort === undefined) return { max_tokens: plain };
  const budget = budgets[effort] as number;
  const room = maxTokens ?? outputTokensMax ?? maxTokensDefault + budget;
  const name = wish.baseModel.toLowerCase().replaceAll('.', '-');
  return budgetModel.test(name) ? withBudget(wish, budget, room) : adaptive(wish, effort, name, room);
}

/** A caller's own budget leaves room for the answer where no limit says otherwise. */
function withRoom(own: JsonRecord, { maxTokens, outputTokensMax }: ThinkingWish, plain: number): number {
  const budget = typeof own.budget_tokens === 'number' ? own.budget_tokens : 0;
  return (maxTokens ?? outputTokensMax) === undefined ? plain + budget : plain;
}

function effortOf({ effort, effortPath }: ThinkingWish): string | undefined {
  if (effort == null || effort === 'none') return undefined;
  if (typeof effort === 'string' && Object.hasOwn(budgets, effort)) return effort;
  throw unserved(effortPath, 'has a value that is not known here');
}

/** Left off where Anthropic refuses it: with a tool that must be called, or after a call whose thoughts are not there. */
function withBudget({ forced, callsWithoutThought }: ThinkingWish, wanted: number, room: number): Thinking {
  const budget = Math.min(wanted, Math.floor(room / 2));
  if (forced || callsWithoutThought || budget < budgetLeast) return { max_tokens: room };
  return { max_tokens: room, thinking: { type: 'enabled', budget_tokens: budget } };
}

function adaptive({ forced, visible }: ThinkingWish, effort: string, name: string, room: number): Thinking {
  const own = effort === 'minimal' ? 'low' : effort === 'xhigh' && firstAdaptive.test(name) ? 'high' : effort;
  const thinking = { type: 'adaptive', display: visible ? 'summarized' : 'omitted' };
  return { max_tokens: room, effort: own, ...(forced ? {} : { thinking }) };
}
