import { isWithin, type ResponseIds, resolveModel, rotationOf, type Team } from '@tollgate/config';
import type { Affinity, RouteResult, Target } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { StandingStore, Standings } from '../adapters/standing-store.ts';
import { type Binding, bindingOf, boundTargets, checkKept, keeperOf } from '../domain/binding.ts';
import { orderTargets } from '../domain/order.ts';
import { targetId } from '../domain/plan.ts';
import { outsideRegions } from '../domain/regions.ts';
import type { Asked } from './route.ts';

export interface BoundRoutesDependencies {
  ids: ResponseIds;
  store: StandingStore;
  now(): number;
  onStoreFault(): void;
}

/** Routes of requests that are bound to the resource that keeps their state: rotation decides first turns only. */
export class BoundRoutes {
  readonly #dependencies: BoundRoutesDependencies;

  constructor(dependencies: BoundRoutesDependencies) {
    this.#dependencies = dependencies;
  }

  /** A refusal where there is nobody to go to: what is bound to one resource is never sent to another. */
  async route(asked: Omit<Asked, 'requestId'>, affinity: Affinity): Promise<RouteResult> {
    const { snapshot, proxy, team } = asked;
    try {
      const binding = bindingOf(this.#dependencies.ids, affinity);
      checkKept(snapshot, binding, affinity.action);
      const { issued } = binding;
      if (affinity.action === '' || !issued) return await this.#goOn(asked, binding);
      // Reading takes no model's time, so none's suspension stands in its way.
      const keepers = inside([keeperOf(snapshot, proxy, affinity.action, issued)], team);
      return { targets: keepers, attemptsMax: 1, refusal: undefined, providerResponseId: issued.providerId };
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      return { targets: [], attemptsMax: 0, refusal: toErrorDetail(error), providerResponseId: '' };
    }
  }

  async #goOn({ snapshot, proxy, call, team }: Omit<Asked, 'requestId'>, binding: Binding): Promise<RouteResult> {
    const resolved = resolveModel(snapshot, proxy, call.model);
    const wanted = inside(boundTargets(resolved, binding), team);
    const route = { refusal: undefined, providerResponseId: binding.issued?.providerId };
    if (resolved.kind !== 'rotation') return { targets: wanted, attemptsMax: 1, ...route };
    const targets = await this.#usable(snapshot.organization.id, wanted);
    return { targets, attemptsMax: rotationOf(proxy)?.attempts ?? 1, ...route };
  }

  /** Without the store all are tried: nobody knows better. @throws TollgateError `all_models_suspended` */
  async #usable(organizationId: string, wanted: Target[]): Promise<Target[]> {
    const { now, onStoreFault } = this.#dependencies;
    const nowMs = now();
    let read: Standings;
    try {
      read = await this.#dependencies.store.read(organizationId, wanted.map(targetId), nowMs);
    } catch {
      onStoreFault();
      return wanted;
    }
    // Seen from the position before the first: the first that may be used, then the other healthy ones.
    const order = orderTargets(read.standings, -1, nowMs);
    if (order.positions.length === 0) {
      throw new TollgateError('all_models_suspended', {
        message: 'The provider that keeps this conversation is currently unavailable',
        retryAfterMs: Math.max(1000, order.retryAtMs - nowMs),
      });
    }
    const [first, ...rest] = order.positions.map((position) => wanted[position] as Target);
    return read.probe && first ? [{ ...first, probe: true }, ...rest] : [first as Target, ...rest];
  }
}

/** @throws TollgateError `access_denied` when all are outside of the team's regions */
function inside(targets: Target[], team: Team | undefined): Target[] {
  const within = targets.filter((target) => isWithin(team?.regions, target));
  if (within.length === 0) throw outsideRegions(team);
  return within;
}
