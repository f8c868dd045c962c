import { type IssuedResponse, isWithin, type ResponseIds, resolveModel, rotationOf, type Team } from '@tollgate/config';
import type { Affinity, RouteResult, Target } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { ChoiceStore, Wish } from '../adapters/choice-store.ts';
import { type Binding, bindingOf, boundTargets, checkKept, keeperOf } from '../domain/binding.ts';
import { withFailovers } from '../domain/choice.ts';
import { freeAtMs } from '../domain/order.ts';
import { boundPlan, type Plan } from '../domain/plan.ts';
import { expectedOf } from '../domain/ranks.ts';
import { outsideRegions } from '../domain/regions.ts';
import type { Asked } from './route.ts';

export interface BoundRoutesDependencies {
  ids: ResponseIds;
  choices: Pick<ChoiceStore, 'choose'>;
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
  async route(asked: Asked, affinity: Affinity & { teamId: string }): Promise<RouteResult> {
    const { snapshot, proxy, team } = asked;
    try {
      const known = snapshot.providers.map(({ name }) => name);
      const binding = bindingOf(this.#dependencies.ids, affinity, known);
      checkKept(snapshot, binding, affinity.action);
      const { issued } = binding;
      if (affinity.action === '' && issued?.background) return keptByUpstream([], issued);
      if (affinity.action === '' || !issued) return await this.#goOn(asked, binding);
      // Reading takes no model's time, so none's suspension stands in its way.
      const keepers = inside([keeperOf(snapshot, proxy, affinity.action, issued)], team);
      if (issued.background) return keptByUpstream(keepers, issued);
      return { targets: keepers, attemptsMax: 1, refusal: undefined, providerResponseId: issued.providerId };
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      return { targets: [], attemptsMax: 0, refusal: toErrorDetail(error), providerResponseId: '' };
    }
  }

  async #goOn(asked: Asked, binding: Binding): Promise<RouteResult> {
    const { snapshot, proxy, call, team } = asked;
    const resolved = resolveModel(snapshot, proxy, call.model);
    const wanted = inside(boundTargets(resolved, binding), team);
    const rotation = resolved.kind === 'rotation' ? rotationOf(proxy) : undefined;
    const plan = boundPlan(snapshot, rotation, wanted);
    const route = { attemptsMax: plan.attemptsMax, refusal: undefined, providerResponseId: binding.issued?.providerId };
    // Asked for by name, and nobody counts what it gets.
    const asItIs = !rotation && !plan.quotas;
    return { targets: asItIs ? wanted : await this.#usable(asked, plan, !rotation), ...route };
  }

  /**
   * Those that are not suspended, the first of them counted. Without the store all are tried: nobody knows better.
   * @throws TollgateError `all_models_suspended`
   */
  async #usable({ requestId, call, snapshot, proxy }: Asked, plan: Plan, named: boolean): Promise<Target[]> {
    const { choices, now, onStoreFault } = this.#dependencies;
    const nowMs = now();
    const wish: Wish = {
      ...{ requestId, ranks: plan.ids.map((_, position) => position), tokens: expectedOf(call).countedTokens },
      ...{ promptCache: undefined, stream: call.stream ?? false, named, bound: true, draws: [0, 0], nowMs },
    };
    const choice = await choices.choose(snapshot.organization.id, proxy.id, plan, wish).catch(() => undefined);
    if (!choice) {
      onStoreFault();
      return [...plan.targets];
    }
    const [first, ...rest] = withFailovers(choice, wish.ranks).map((position) => plan.targets[position] as Target);
    if (!first) {
      throw new TollgateError('all_models_suspended', {
        message: 'The provider that keeps this conversation is currently unavailable',
        retryAfterMs: Math.max(1000, Math.min(...choice.standings.map((one) => freeAtMs(one, nowMs))) - nowMs),
      });
    }
    return choice.probe ? [{ ...first, probe: true }, ...rest] : [first, ...rest];
  }
}

/** Who made it, and whether it is there at all, upstream knows alone. */
function keptByUpstream(targets: Target[], { providerId }: IssuedResponse): RouteResult {
  return { targets, attemptsMax: 1, refusal: undefined, providerResponseId: providerId, background: true };
}

/** @throws TollgateError `access_denied` when all are outside of the team's regions */
function inside(targets: Target[], team: Team | undefined): Target[] {
  const within = targets.filter((target) => isWithin(team?.regions, target));
  if (within.length === 0) throw outsideRegions(team);
  return within;
}
