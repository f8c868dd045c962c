import { type Argument, loadScript, type RedisConnection } from '@tollgate/redis';
import type { Choice } from '../domain/choice.ts';
import type { Plan, Quota } from '../domain/plan.ts';
import { probeMsMax } from '../domain/suspension.ts';

const choose = loadScript(new URL('./choose.lua', import.meta.url));
const attempt = loadScript(new URL('./attempt.lua', import.meta.url));

/**
 * How the script decides; `named`: there is one target, and only its rates can refuse it. `bound`: the first that is not suspended,
 * rather one that has room; `bound-named`: the one that there is. Both are counted where they go, and never refused for a rate.
 */
type Mode = 'ranked' | 'weighted' | 'busy' | 'latency' | 'named' | 'bound' | 'bound-named';

const modes: Record<Plan['strategy'], Mode> = {
  'round-robin': 'ranked',
  priority: 'ranked',
  'lowest-cost': 'ranked',
  weighted: 'weighted',
  'least-busy': 'busy',
  'least-latency': 'latency',
};

/**
 * A provider keeps a prompt in its cache for 5 to 10 minutes after it was used last (OpenAI, "Prompt caching"). So many slots
 * are kept of a proxy: prompts that share one share a preference, and no caller can fill the store.
 */
const prefersMs = 600_000;
const slotsMax = 8192;

/** Upstream tells of a request in flight every 10 s: three times unheard, and it is forgotten, as when its upstream died. */
const inFlightMs = 30_000;

/** Of each new measure: a mean over about the last ten. */
const latencyPart = 0.2;

export interface Wish {
  requestId: string;
  /** Lowest first, equal ones in turn; of strategies whose order the store knows, all the same. */
  ranks: readonly number[];
  /** Taken from the rates of the chosen target. */
  tokens: number;
  /** Digest of the prompt's cache key; undefined = it has none. */
  promptCache: number | undefined;
  /** First contents of streams come sooner than whole answers: each is measured apart. */
  stream: boolean;
  /** The model was asked for by name. */
  named: boolean;
  /** Its state is where these targets are: it has no others to go to. */
  bound?: boolean;
  /** From 0 to below 1: what is left to chance. */
  draws: readonly [number, number];
  nowMs: number;
}

export interface AttemptTold {
  target: string;
  requestId: string;
  nowMs: number;
  /** Whether it counts as in flight from here on, or not any more; undefined = it never does. */
  inFlight?: boolean;
  /** What it takes from the rates of its target. */
  takes?: Quota & { tokens: number };
  latency?: { firstContentMs: number; stream: boolean };
}

/** Turns, weights, rates, loads and latencies, shared by all replicas; everything of an organization in one slot. */
export class ChoiceStore {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** Chooses a target and counts the request there, in one round trip. @throws StoreFault */
  async choose(organizationId: string, proxyId: string, plan: Plan, wish: Wish): Promise<Choice> {
    const mode = modeOf(plan, wish);
    const { ids, quotas, weights } = plan;
    const count = ids.length;
    const slot = wish.promptCache === undefined ? '' : String(wish.promptCache % slotsMax);
    const args: Argument[] = [wish.nowMs, probeMsMax, mode, count, wish.requestId, slot, prefersMs, wish.tokens];
    args.push(inFlightMs, ...wish.draws, quotas ? 1 : 0, ...ids);
    if (mode === 'ranked') args.push(...wish.ranks);
    else if (mode === 'weighted') args.push(...weights);
    if (quotas) args.push(...quotas.map(({ rpm }) => rpm), ...quotas.map(({ tpm }) => tpm));
    const keys = keysOf(organizationId, proxyId, plan, mode, wish.stream);
    const answer = (await this.#redis.run(choose, keys, args)) as number[];
    const part = (at: number) => answer.slice(2 + at * count, 2 + (at + 1) * count);
    const probed = part(1);
    const standings = part(0).map((untilMs, at) => ({ untilMs, probedUntilMs: probed[at] ?? 0 }));
    return { position: answer[0] ?? -1, probe: answer[1] === 1, standings, roomAtMs: part(2), loads: part(3) };
  }

  /** What is told of an attempt; a repeat counts the rates twice and nothing else. @throws StoreFault */
  async told(organizationId: string, told: AttemptTold): Promise<void> {
    const { target, nowMs, requestId, inFlight, takes, latency } = told;
    const base = `tg:v1:{${organizationId}}`;
    const hold = inFlight === undefined ? 0 : inFlight ? inFlightMs : -1;
    const args = [target, nowMs, requestId, hold, takes?.tokens ?? 0, takes?.rpm ?? 0, takes?.tpm ?? 0];
    const keys = [`${base}:rates`, latenciesKey(base, latency?.stream ?? false), inFlightKey(base, target)];
    await this.#redis.run(attempt, keys, [...args, latency?.firstContentMs ?? '', latencyPart]);
  }
}

function modeOf({ strategy }: Plan, { named, bound = false }: Wish): Mode {
  if (bound) return named ? 'bound-named' : 'bound';
  return named ? 'named' : modes[strategy];
}

function keysOf(organizationId: string, proxyId: string, plan: Plan, mode: Mode, stream: boolean): string[] {
  const base = `tg:v1:{${organizationId}}`;
  const list = plan.list === '' ? proxyId : `${proxyId}:${plan.list}`;
  const keys = [`${base}:${mode === 'weighted' ? 'weights' : 'turn'}:${list}`, `${base}:suspended`, `${base}:rates`];
  keys.push(`${base}:prefers:${proxyId}`, latenciesKey(base, stream));
  // Whoever counts what is in flight must see the bound requests, too.
  if (mode === 'busy' || (mode === 'bound' && plan.strategy === 'least-busy'))
    keys.push(...plan.ids.map((id) => inFlightKey(base, id)));
  return keys;
}

function latenciesKey(base: string, stream: boolean): string {
  return `${base}:latency:${stream ? 'streams' : 'answers'}`;
}

function inFlightKey(base: string, target: string): string {
  return `${base}:running:${target}`;
}
