import type { Bus } from '@tollgate/bus';
import { type ConfigSnapshot, type ProxySettings, proxyById, resolveModel, rotationOf } from '@tollgate/config';
import type { Affinity, GuardReply, GuardRequest, RouteCall, RouteResult, Target } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import type { RotationStore, Turn } from '../adapters/rotation-store.ts';
import { orderTargets, type Standing } from '../domain/order.ts';

type Result = NonNullable<GuardReply['result']>;

export interface RouterDependencies {
  config: Pick<Bus['config'], 'at'>;
  store: RotationStore;
  /** For requests that go where their state is kept. */
  bound: {
    route(snapshot: ConfigSnapshot, proxy: ProxySettings, call: RouteCall, affinity: Affinity): Promise<RouteResult>;
  };
  logger: Logger;
  now(): number;
  onStoreFault(): void;
}

/** The targets of a request, in the order in which they are to be tried. */
export class Router {
  readonly #dependencies: RouterDependencies;
  /** By proxy: what was last seen in the store, for when it is away. Bounded by the configuration. */
  readonly #lastSeen = new Map<string, { last: number; standings: Standing[] }>();

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
    const { bound } = this.#dependencies;
    const value = call.affinity
      ? await bound.route(snapshot, proxy, call, call.affinity)
      : await this.#route(snapshot, proxy, call);
    return { $case: 'route', value };
  }

  async #route(snapshot: ConfigSnapshot, proxy: ProxySettings, { model }: RouteCall): Promise<RouteResult> {
    const resolved = resolveModel(snapshot, proxy, model);
    if (resolved.kind === 'unknown') return refuse(new TollgateError('model_not_found', { param: 'model' }));
    if (resolved.kind === 'named') return { targets: [resolved.target], attemptsMax: 1, refusal: undefined };
    const { targets } = resolved;
    const turn = await this.#turn(snapshot.organization.id, proxy.id, targets);
    const nowMs = this.#dependencies.now();
    // The store took the turn; seen from the position before it, the same rule gives it and its failovers.
    const order = orderTargets(turn.standings, Math.max(0, turn.position) - 1, nowMs);
    if (turn.position < 0 || order.positions.length === 0) {
      const retryAfterMs = Math.max(1000, order.retryAtMs - nowMs);
      return refuse(new TollgateError('all_models_suspended', { retryAfterMs }));
    }
    const ordered = order.positions.map((position) => targets[position] as Target);
    const [first, ...rest] = ordered;
    const probing = turn.probe && first ? [{ ...first, probe: true }, ...rest] : ordered;
    return { targets: probing, attemptsMax: rotationOf(proxy)?.attempts ?? 1, refusal: undefined };
  }

  /** From the store or, while that is away, from this replica's own count and what it last knew of suspensions. */
  async #turn(organizationId: string, proxyId: string, targets: readonly Target[]): Promise<Turn> {
    const { store, logger, now, onStoreFault } = this.#dependencies;
    try {
      const turn = await store.next(organizationId, proxyId, targets.map(targetId), now());
      this.#lastSeen.set(proxyId, { last: turn.position, standings: turn.standings });
      return turn;
    } catch (error) {
      onStoreFault();
      logger.debug({ err: error, proxyId }, 'routing without the store');
      return this.#turnAlone(proxyId, targets.length);
    }
  }

  #turnAlone(proxyId: string, count: number): Turn {
    const seen = this.#lastSeen.get(proxyId);
    const standings = seen?.standings.length === count ? seen.standings : Array.from({ length: count }, () => healthy);
    const order = orderTargets(standings, seen?.last ?? -1, this.#dependencies.now());
    const position = order.positions[0] ?? -1;
    this.#lastSeen.set(proxyId, { last: position, standings });
    return { position, probe: order.probe, standings };
  }
}

const healthy: Standing = { untilMs: 0, probedUntilMs: 0 };

/** How a target is called in the store. */
export function targetId({ provider, model }: Pick<Target, 'provider' | 'model'>): string {
  return `${provider}/${model}`;
}

function refuse(error: TollgateError): RouteResult {
  return { targets: [], attemptsMax: 0, refusal: toErrorDetail(error) };
}
