import type { Bus } from '@tollgate/bus';
import {
  type ConfigSnapshot,
  hasRegions,
  isWithin,
  type ProxySettings,
  proxyById,
  resolveModel,
  rotationOf,
  servesSurface,
  type Team,
  teamById,
} from '@tollgate/config';
import {
  type Affinity,
  type GuardReply,
  type GuardRequest,
  type RouteCall,
  type RouteResult,
  Surface,
  type Target,
} from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import type { ChoiceStore, Wish } from '../adapters/choice-store.ts';
import type { RotationStore, Turn } from '../adapters/rotation-store.ts';
import { type Alone, type Choice, chooseAlone, whyNobody, withFailovers } from '../domain/choice.ts';
import { orderTargets } from '../domain/order.ts';
import { namedPlan, type Plan, planOf } from '../domain/plan.ts';
import { expectedOf, ranksOf } from '../domain/ranks.ts';
import { outsideRegions } from '../domain/regions.ts';

type Result = NonNullable<GuardReply['result']>;

export interface RouterDependencies {
  config: Pick<Bus['config'], 'at'>;
  store: RotationStore;
  choices: Pick<ChoiceStore, 'choose'>;
  /** For requests that go where their state is kept. */
  bound: {
    route(asked: Asked, affinity: Affinity & { teamId: string }): Promise<RouteResult>;
  };
  logger: Logger;
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  onStoreFault(): void;
}

/** One request's view of the configuration. */
export interface Asked {
  requestId: string;
  call: RouteCall;
  snapshot: ConfigSnapshot;
  proxy: ProxySettings;
  team: Team | undefined;
}

/** The targets of a request, in the order in which they are to be tried. */
export class Router {
  readonly #dependencies: RouterDependencies;
  /** What was last seen of each list, for when the store is away; gone with its revision. */
  readonly #alone = new WeakMap<Plan, Alone>();

  constructor(dependencies: RouterDependencies) {
    this.#dependencies = dependencies;
  }

  async handle(request: GuardRequest): Promise<Result> {
    if (request.call?.$case !== 'route')
      throw new TollgateError('internal_error', { internal: 'guard-router only routes' });
    const snapshot = await this.#dependencies.config.at(request.revision);
    const proxy = proxyById(snapshot, request.proxy);
    if (!proxy)
      throw new TollgateError('internal_error', {
        internal: `revision ${request.revision} has no proxy ${request.proxy}`,
      });
    const call = request.call.value;
    const team = teamOf(snapshot, call);
    const asked = { requestId: request.requestId, call, snapshot, proxy, team };
    const value = call.affinity
      ? await this.#dependencies.bound.route(asked, { ...call.affinity, teamId: call.teamId ?? '' })
      : await this.#route(asked);
    return { $case: 'route', value };
  }

  async #route(asked: Asked): Promise<RouteResult> {
    const { call, snapshot, proxy, team } = asked;
    const rotation = rotationOf(proxy);
    const { surface = Surface.UNSPECIFIED } = call;
    // The whole rotation: a plan leaves out what does not fit, and its weights go by places in the list.
    const resolved = resolveModel(snapshot, proxy, call.model);
    const named = resolved.kind === 'named' && servesSurface(snapshot, resolved.target, surface);
    if (named) return this.#named(asked, resolved.target);
    if (resolved.kind !== 'rotation') return refuse(new TollgateError('model_not_found', { param: 'model' }));
    // Only a rotation resolves to its targets.
    if (!rotation) throw new TollgateError('internal_error', { internal: 'targets without a rotation' });
    const plan = planOf(snapshot, rotation, resolved.targets, team?.regions, surface);
    if (plan.targets.length === 0) return refuse(outsideRegions(team));
    const plain = plan.strategy === 'round-robin' && !plan.quotas && call.promptCache === undefined;
    return plain ? this.#inTurn(asked, plan) : this.#chosen(asked, plan);
  }

  /** A model asked for by name: nobody else serves it, whatever became of it lately. */
  async #named(asked: Asked, target: Target): Promise<RouteResult> {
    if (!isWithin(asked.team?.regions, target)) return refuse(outsideRegions(asked.team));
    const plan = namedPlan(asked.snapshot, target);
    if (!plan) return { targets: [target], attemptsMax: 1, refusal: undefined };
    return this.#chosen(asked, plan, true);
  }

  async #inTurn({ snapshot, proxy }: Asked, plan: Plan): Promise<RouteResult> {
    const turn = await this.#turn(snapshot.organization.id, proxy.id, plan);
    const nowMs = this.#dependencies.now();
    // The store took the turn; seen from the position before it, the same rule gives it and its failovers.
    const order = orderTargets(turn.standings, Math.max(0, turn.position) - 1, nowMs);
    if (turn.position < 0 || order.positions.length === 0) return suspended(order.retryAtMs - nowMs);
    return inOrder(plan, order.positions, turn.probe);
  }

  async #chosen(asked: Asked, plan: Plan, named = false): Promise<RouteResult> {
    const { now, random } = this.#dependencies;
    const { call, requestId, snapshot } = asked;
    const expected = expectedOf(call);
    const ranks = ranksOf(plan, snapshot, expected);
    const { stream = false } = call;
    // What was asked for by name says nothing of where a rotation has the prompt.
    const promptCache = named ? undefined : call.promptCache;
    const tokens = expected.countedTokens;
    const nowMs = now();
    const wish: Wish = { requestId, ranks, tokens, promptCache, stream, named, draws: [random(), random()], nowMs };
    const choice = await this.#choose(asked, plan, wish);
    const positions = withFailovers(choice, ranks);
    if (positions.length > 0) return inOrder(plan, positions, choice.probe);
    const { full, retryAtMs } = whyNobody(choice, nowMs);
    return full ? atItsRate(retryAtMs - nowMs) : suspended(retryAtMs - nowMs);
  }

  /** From the store or, while that is away, from this replica's own count and what it last knew of suspensions. */
  async #turn(organizationId: string, proxyId: string, plan: Plan): Promise<Turn> {
    const { store, now } = this.#dependencies;
    const list = plan.list === '' ? proxyId : `${proxyId}:${plan.list}`;
    try {
      const turn = await store.next(organizationId, list, plan.ids, now());
      this.#saw(plan, turn);
      return turn;
    } catch (error) {
      return this.#without(
        plan,
        plan.ids.map(() => 0),
        error,
      );
    }
  }

  async #choose({ snapshot, proxy }: Asked, plan: Plan, wish: Wish): Promise<Choice> {
    try {
      const choice = await this.#dependencies.choices.choose(snapshot.organization.id, proxy.id, plan, wish);
      this.#saw(plan, choice);
      return choice;
    } catch (error) {
      return this.#without(plan, wish.ranks, error);
    }
  }

  #saw(plan: Plan, { position, standings }: Pick<Choice, 'position' | 'standings'>): void {
    const alone = this.#aloneOf(plan);
    alone.last = position;
    alone.standings = standings;
  }

  #without(plan: Plan, ranks: readonly number[], error: unknown): Choice {
    const { logger, now, onStoreFault } = this.#dependencies;
    onStoreFault();
    logger.debug({ err: error, targets: plan.ids }, 'routing without the store');
    return chooseAlone(plan, ranks, this.#aloneOf(plan), now());
  }

  #aloneOf(plan: Plan): Alone {
    let alone = this.#alone.get(plan);
    if (alone === undefined) {
      alone = { last: -1, standings: plan.ids.map(() => ({ untilMs: 0, probedUntilMs: 0 })), currents: [] };
      this.#alone.set(plan, alone);
    }
    return alone;
  }
}

/** @throws TollgateError `guard_unavailable` when teams are bound to regions and nobody knows whose request it is */
function teamOf(snapshot: ConfigSnapshot, { teamId = '' }: RouteCall): Team | undefined {
  const team = teamById(snapshot, teamId)?.team;
  if (team || !hasRegions(snapshot)) return team;
  throw new TollgateError('guard_unavailable', { internal: `no team ${teamId}, and teams are bound to regions` });
}

function inOrder({ targets, attemptsMax }: Plan, positions: readonly number[], probe: boolean): RouteResult {
  const ordered = positions.map((position) => targets[position] as Target);
  const [first, ...rest] = ordered;
  return { targets: probe && first ? [{ ...first, probe }, ...rest] : ordered, attemptsMax, refusal: undefined };
}

function suspended(waitMs: number): RouteResult {
  return refuse(new TollgateError('all_models_suspended', { retryAfterMs: Math.max(1000, waitMs) }));
}

function atItsRate(waitMs: number): RouteResult {
  const message = 'Every model that could serve this request is at its rate limit (rpm, tpm of the configuration).';
  return refuse(new TollgateError('upstream_rate_limited', { message, retryAfterMs: Math.max(1, Math.ceil(waitMs)) }));
}

function refuse(error: TollgateError): RouteResult {
  return { targets: [], attemptsMax: 0, refusal: toErrorDetail(error) };
}
