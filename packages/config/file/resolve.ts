import { createHash } from 'node:crypto';
import { deepFreeze } from '../model/freeze.ts';
import type { ConfigSnapshot, Guardrail, Limit, Price, Provider, ProxySettings } from '../model/snapshot.ts';
import type { ConfigFile, FileGuardrail, FileLimit, FileProject, FileProvider, FileProxy } from './config-file.ts';
import { faultsError } from './fault.ts';
import { quantityOf } from './limit.ts';
import type { ParsedConfig } from './parse.ts';
import { endpointOf } from './provider.ts';
import { checkReferences } from './references.ts';
import { warningsOf } from './warnings.ts';

const NANO = 1e9;

/**
 * The configuration as one frozen revision: defaults filled in, everything that is referred to there.
 * @throws TollgateError `invalid_request` that names every fault with its path and line
 */
export function resolveConfig(parsed: ParsedConfig, revision: number, appliedAtMs: number): ConfigSnapshot {
  const { file } = parsed;
  const faults = checkReferences(file);
  if (faults.length > 0) throw faultsError(faults, parsed.lineOf);
  const prices = Object.fromEntries(Object.entries(file.priceList).map(([model, price]) => [model, toPrice(price)]));
  const providers = file.providers.map(toProvider);
  return deepFreeze({
    revision,
    appliedAtMs,
    priceListVersion: versionOf(prices),
    organization: { id: file.organization, name: file.organization },
    limits: file.limits.map(toLimit),
    prices,
    providers,
    projects: file.projects.map((project) => ({
      id: project.name,
      name: project.name,
      limits: project.limits.map(toLimit),
      teams: project.teams.map((team) => ({
        id: `${project.name}.${team.name}`,
        name: team.name,
        limits: team.limits.map(toLimit),
      })),
      proxies: project.proxies.map((proxy) => toProxy(project, proxy)),
    })),
    warnings: warningsOf(providers),
  });
}

function toPrice({ prompt, cachedPrompt = prompt, completion }: ConfigFile['priceList'][string]): Price {
  const nano = (dollars: number) => Math.round(dollars * NANO);
  return {
    promptNanoPerMillion: nano(prompt),
    cachedPromptNanoPerMillion: nano(cachedPrompt),
    completionNanoPerMillion: nano(completion),
  };
}

/** The same prices in another order are the same version. */
function versionOf(prices: Record<string, Price>): string {
  const sorted = Object.entries(prices).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 12);
}

function toProvider(provider: FileProvider): Provider {
  return {
    name: provider.name,
    type: provider.type,
    endpoint: (endpointOf(provider) ?? '').replace(/\/+$/, ''),
    insecure: provider.insecure,
    apiKey: toCredential(provider.apiKey),
    apiVersion: provider.apiVersion,
    models: provider.models,
  };
}

function toCredential(reference: FileProvider['apiKey']): Provider['apiKey'] {
  if (reference?.env !== undefined) return { env: reference.env };
  if (reference?.file !== undefined) return { file: reference.file };
  return undefined;
}

function toLimit(limit: FileLimit): Limit {
  const { window = '', models, per, valuesMax = VALUES_MAX_DEFAULT, mode, timeZone } = limit;
  const name = quantityOf(limit);
  const amount = limit[name] ?? 0;
  const quantity = QUANTITIES[name];
  return {
    quantity,
    amount: quantity === 'cost_nano_usd' ? Math.round(amount * NANO) : amount,
    window,
    ...(models && { models: models.toSorted() }),
    ...(per && { per, valuesMax }),
    mode,
    timeZone,
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

function toGuardrail({ piiMasking, semanticCache, modelRotation }: FileGuardrail, provider: string): Guardrail[] {
  if (piiMasking) {
    const entities = (['email', 'phone', 'ssn'] as const).filter((entity) => piiMasking[entity]);
    return [{ kind: 'piiMasking', onError: piiMasking.onError, entities }];
  }
  if (semanticCache) {
    const { onError, similarityThreshold, ttlSeconds, scope, maxEntries, agreement, embedder } = semanticCache;
    return [
      { kind: 'semanticCache', onError, similarityThreshold, ttlSeconds, scope, maxEntries, agreement, embedder },
    ];
  }
  if (modelRotation) {
    const { onError, strategy, suspendDurationSeconds, maxSuspendSeconds, attempts, override } = modelRotation;
    const models = modelRotation.models.map((entry) => ({ model: entry.model, provider: entry.provider ?? provider }));
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
      },
    ];
  }
  return [];
}
