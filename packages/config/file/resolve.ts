import { deepFreeze } from '../model/freeze.ts';
import type { ConfigSnapshot, Guardrail, Limit, Model, Provider, ProxySettings } from '../model/snapshot.ts';
import type { FileDefaults, FileGuardrail, FileLimit, FileProject, FileProvider, FileProxy } from './config-file.ts';
import { faultsError } from './fault.ts';
import { isRate, quantityOf } from './limit.ts';
import type { ParsedConfig } from './parse.ts';
import type { PriceList } from './price-list.ts';
import { toNano, toPrice, versionOf } from './prices.ts';
import { endpointOf } from './provider.ts';
import { checkReferences } from './references.ts';
import { ascending } from './thresholds.ts';
import { warningsOf } from './warnings.ts';
import { placedWebhooks, toWebhook } from './webhooks.ts';

/**
 * The configuration as one frozen revision: defaults filled in, everything that is referred to there.
 * @throws TollgateError `invalid_request` that names every fault with its path and line
 */
export function resolveConfig(parsed: ParsedConfig, revision: number, appliedAtMs: number): ConfigSnapshot {
  const { file, lineOf } = parsed;
  const faults = checkReferences(file, parsed.prices);
  if (faults.length > 0) throw faultsError(faults, ({ path }) => lineOf(path));
  const providers = file.providers.map(toProvider);
  const prices = pricesOf(providers, parsed.prices);
  const fallbackPrice = parsed.prices.fallback && toPrice(parsed.prices.fallback);
  const webhooks = placedWebhooks(file).map(toWebhook);
  return deepFreeze({
    revision,
    appliedAtMs,
    priceListVersion: versionOf(prices, fallbackPrice),
    organization: { id: file.organization, name: file.organization },
    limits: file.limits.map(toLimit),
    ...(webhooks.length > 0 && { webhooks }),
    prices,
    ...(fallbackPrice && { fallbackPrice }),
    providers,
    projects: file.projects.map((project) => ({
      id: project.name,
      name: project.name,
      limits: project.limits.map(toLimit),
      teams: project.teams.map((team) => ({
        id: `${project.name}.${team.name}`,
        name: team.name,
        limits: withDefaults(team.limits, [...project.limits, ...file.limits], file.defaults).map(toLimit),
        ...(team.regions && { regions: team.regions.toSorted() }),
      })),
      proxies: project.proxies.map((proxy) => toProxy(project, proxy)),
    })),
    warnings: warningsOf(providers, prices, webhooks),
  });
}

/** Only of what is offered: a list of all that a provider sells may be larger than a revision. */
function pricesOf(providers: readonly Provider[], { models }: PriceList): ConfigSnapshot['prices'] {
  const offered = new Set(providers.flatMap((provider) => provider.models.map(({ baseModel }) => baseModel)));
  return Object.fromEntries(
    [...models].filter(([model]) => offered.has(model)).map(([model, price]) => [model, toPrice(price)]),
  );
}

function toProvider(provider: FileProvider): Provider {
  return {
    name: provider.name,
    type: provider.type,
    endpoint: (endpointOf(provider) ?? '').replace(/\/+$/, ''),
    insecure: provider.insecure,
    apiKey: toCredential(provider.apiKey),
    ...(provider.credential && { credential: provider.credential }),
    apiVersion: provider.apiVersion,
    models: withRegion(provider.models, provider.region),
  };
}

function withRegion(models: Model[], region: string | undefined): Model[] {
  return region === undefined ? models : models.map((model) => ({ ...model, region: model.region ?? region }));
}

function toCredential(reference: FileProvider['apiKey']): Provider['apiKey'] {
  if (reference?.env !== undefined) return { env: reference.env };
  if (reference?.file !== undefined) return { file: reference.file };
  return undefined;
}

/** Half of what one upstream runs at once (`TOLLGATE_UPSTREAM_RUNS_MAX`): no team takes all of it by default. */
const CONCURRENCY_DEFAULT = 1000;

/**
 * A team with a cap of its own, for all models, keys and callers together, keeps it.
 * @param above limits of its project and its organization
 */
function withDefaults(
  limits: readonly FileLimit[],
  above: readonly FileLimit[],
  defaults: FileDefaults,
): readonly FileLimit[] {
  const own = limits.some(
    ({ concurrency, models, keys, per }) => concurrency !== undefined && !models && !keys && !per,
  );
  const concurrency = defaults?.concurrency ?? CONCURRENCY_DEFAULT;
  if (own || concurrency === 'none') return limits;
  const onStoreFailure = defaults?.onStoreFailure ?? commonOf([...limits, ...above]);
  return [...limits, { concurrency, mode: 'hard', timeZone: 'UTC', onStoreFailure }];
}

/** A cap that nobody wrote takes nothing away: without the store a team is served where all other limits that bind it say so. */
function commonOf(limits: readonly FileLimit[]): FileLimit['onStoreFailure'] {
  const allow = limits.length > 0 && limits.every(({ onStoreFailure }) => onStoreFailure === 'allow-within-share');
  return allow ? 'allow-within-share' : 'refuse';
}

function toLimit(limit: FileLimit): Limit {
  const { window = '', models, keys, per, valuesMax = VALUES_MAX_DEFAULT, mode, timeZone } = limit;
  const { rolling, onStoreFailure, thresholds } = limit;
  const name = quantityOf(limit);
  const amount = limit[name] ?? 0;
  const quantity = QUANTITIES[name];
  return {
    quantity,
    amount: quantity === 'cost_nano_usd' ? toNano(amount) : amount,
    window,
    ...(models && { models: models.toSorted() }),
    ...(keys && { keys: keys.toSorted() }),
    ...(per && { per, valuesMax }),
    mode,
    timeZone,
    ...(rolling && { rolling }),
    ...(isRate(limit) && { burst: limit.burst ?? amount }),
    ...(onStoreFailure === 'allow-within-share' && { onStoreFailure }),
    // Left out where it is not said: builds that know none of it still take such a revision.
    ...(thresholds && { thresholds: ascending(thresholds) }),
  };
}

/** Counters of one limit with `per`: an app's own users, without letting any caller fill the store. */
const VALUES_MAX_DEFAULT = 1000;

const QUANTITIES = {
  tokens: 'tokens',
  promptTokens: 'prompt_tokens',
  completionTokens: 'completion_tokens',
  costUsd: 'cost_nano_usd',
  requests: 'requests',
  concurrency: 'concurrency',
} as const satisfies Record<ReturnType<typeof quantityOf>, Limit['quantity']>;

function toProxy(project: FileProject, proxy: FileProxy): ProxySettings {
  return {
    id: `${project.name}.${proxy.name}`,
    name: proxy.name,
    project: project.name,
    version: proxy.version,
    context: proxy.context.replace('/', ''),
    provider: proxy.provider,
    isDefault: proxy.default,
    guardrails: proxy.guardrails.flatMap((entry) => toGuardrail(entry, proxy.provider)),
    deadlineMs: proxy.deadlineMs,
  };
}

/** One request in twenty: what the slowest five of a hundred cost once more. */
const HEDGE_SHARE_DEFAULT = 0.05;

function toGuardrail({ piiMasking, semanticCache, modelRotation }: FileGuardrail, provider: string): Guardrail[] {
  if (piiMasking) {
    const entities = (['email', 'phone', 'ssn'] as const).filter((entity) => piiMasking[entity]);
    const { onError, mode } = piiMasking;
    // Left out where it is the default: builds that know no other still take such a revision.
    return [{ kind: 'piiMasking', onError, entities, ...(mode !== 'mask' && { mode }) }];
  }
  if (semanticCache) {
    const { onError, similarityThreshold, ttlSeconds, scope, maxEntries, agreement, embedder } = semanticCache;
    return [
      { kind: 'semanticCache', onError, similarityThreshold, ttlSeconds, scope, maxEntries, agreement, embedder },
    ];
  }
  if (modelRotation) {
    const { onError, strategy, suspendDurationSeconds, maxSuspendSeconds, attempts, override } = modelRotation;
    const { hedgeAfterMs, hedgeMaxShare = HEDGE_SHARE_DEFAULT } = modelRotation;
    const models = modelRotation.models.map((entry) => ({
      model: entry.model,
      provider: entry.provider ?? provider,
      ...(strategy === 'weighted' && { weight: entry.weight ?? 1 }),
    }));
    return [
      {
        kind: 'modelRotation',
        onError,
        strategy,
        models,
        suspendDurationSeconds,
        maxSuspendSeconds,
        attempts,
        override,
        ...(hedgeAfterMs !== undefined && { hedge: { afterMs: hedgeAfterMs, maxShare: hedgeMaxShare } }),
      },
    ];
  }
  return [];
}
