import type { ConfigFile, FileGuardrail, FileLimit, FileProject, FileProxy } from './config-file.ts';
import type { Fault, Path } from './fault.ts';
import { isRate, LIMITS_MAX, quantityOf } from './limit.ts';
import type { PriceList } from './price-list.ts';
import { placedWebhooks } from './webhooks.ts';

type Report = (path: Path, message: string) => void;

/** What no single setting shows: names used twice, names that nothing has, an order that would leak. */
export function checkReferences(file: ConfigFile, prices: PriceList): Fault[] {
  const faults: Fault[] = [];
  const report: Report = (path, message) => faults.push({ path, message });
  unique(namesOf(file.providers), ['providers'], report);
  unique(namesOf(file.projects), ['projects'], report);
  checkLimits(file, file.limits, ['limits'], report);
  checkProviders(file, prices, report);
  checkContexts(file, report);
  checkWebhooks(file, report);
  for (const [at, project] of file.projects.entries()) checkProject(file, project, ['projects', at], report);
  return faults;
}

function checkProviders(file: ConfigFile, prices: PriceList, report: Report): void {
  for (const [providerAt, provider] of file.providers.entries()) {
    const path = ['providers', providerAt, 'models'];
    unique(namesOf(provider.models), path, report);
    for (const [at, { baseModel }] of provider.models.entries()) {
      if (prices.models.has(baseModel) || prices.fallback !== undefined) continue;
      const ways = `add ${baseModel} to priceList, name a baseModel that stands there, or declare priceList.fallback`;
      report([...path, at], `has no price: ${ways}`);
    }
  }
}

function checkContexts(file: ConfigFile, report: Report): void {
  const contexts = new Set<string>();
  let defaults = 0;
  for (const [projectAt, project] of file.projects.entries()) {
    for (const [at, proxy] of project.proxies.entries()) {
      const path = ['projects', projectAt, 'proxies', at];
      const context = proxy.context.replace('/', '');
      if (contexts.has(context)) report([...path, 'context'], 'is the context of another proxy: each needs its own');
      contexts.add(context);
      if (proxy.default) defaults += 1;
      if (proxy.default && defaults > 1) report([...path, 'default'], 'must be true for one proxy at most');
    }
  }
}

/** Each has a queue of its own, by its name. */
function checkWebhooks(file: ConfigFile, report: Report): void {
  const names = new Set<string>();
  for (const { path, webhook } of placedWebhooks(file)) {
    if (names.has(webhook.name)) report([...path, 'name'], `says ${webhook.name} a second time`);
    names.add(webhook.name);
    if (names.size === WEBHOOKS_MAX + 1) report(path, `is one more than the ${WEBHOOKS_MAX} of a whole file`);
  }
}

const WEBHOOKS_MAX = 64;

function checkProject(file: ConfigFile, project: FileProject, path: Path, report: Report): void {
  unique(namesOf(project.teams), [...path, 'teams'], report);
  unique(namesOf(project.proxies), [...path, 'proxies'], report);
  checkLimits(file, project.limits, [...path, 'limits'], report);
  for (const [at, { limits, regions = [] }] of project.teams.entries()) {
    checkLimits(file, limits, [...path, 'teams', at, 'limits'], report);
    checkRegions(file, regions, [...path, 'teams', at, 'regions'], report);
  }
  for (const [at, proxy] of project.proxies.entries()) checkProxy(file, proxy, [...path, 'proxies', at], report);
}

/** A misspelt region would refuse all that its team asks. */
function checkRegions(file: ConfigFile, regions: readonly string[], path: Path, report: Report): void {
  unique(regions, path, report);
  const known = new Set(
    file.providers.flatMap(({ region, models }) => [region, ...models.map((model) => model.region)]),
  );
  for (const [at, region] of regions.entries()) {
    if (known.has(region)) continue;
    report([...path, at], `must be the region of a provider or of one of its models; there is no ${region}`);
  }
}

/** A scope has one limit of each mode for each counter; the models of a filter exist. */
function checkLimits(file: ConfigFile, limits: readonly FileLimit[], path: Path, report: Report): void {
  unique(limits.map(counterOf), path, report);
  checkKeys(limits, path, report);
  const offered = new Set(file.providers.flatMap(({ models }) => namesOf(models)));
  for (const [at, { models = [] }] of limits.entries()) {
    const modelsPath = [...path, at, 'models'];
    unique(models, modelsPath, report);
    for (const [modelAt, model] of models.entries()) {
      if (offered.has(model)) continue;
      report([...modelsPath, modelAt], `must be a model of one of the providers; there is no ${model}`);
    }
  }
}

/** Keys come and go without a revision, so a name that no key has is no fault; that one has too many limits is. */
function checkKeys(limits: readonly FileLimit[], path: Path, report: Report): void {
  for (const [at, { keys = [] }] of limits.entries()) unique(keys, [...path, at, 'keys'], report);
  const forAll = limits.filter(({ keys }) => keys === undefined).length;
  const more = `at most ${LIMITS_MAX} may bind a key`;
  if (forAll > LIMITS_MAX) report(path, `has ${forAll} limits for all keys; ${more}`);
  for (const key of new Set(limits.flatMap(({ keys = [] }) => keys))) {
    const binding = forAll + limits.filter(({ keys = [] }) => keys.includes(key)).length;
    if (forAll <= LIMITS_MAX && binding > LIMITS_MAX) report(path, `has ${binding} limits for key ${key}; ${more}`);
  }
}

function counterOf(limit: FileLimit): string {
  const parts: string[] = [quantityOf(limit)];
  if (limit.window !== undefined) parts.push(`for ${limit.window}`);
  if (limit.rolling) parts.push('(rolling)');
  if (isRate(limit)) parts.push('(rate)');
  if (limit.models !== undefined) parts.push(`on ${limit.models.toSorted().join(', ')}`);
  if (limit.keys !== undefined) parts.push(`of key ${limit.keys.toSorted().join(', ')}`);
  if (limit.per !== undefined) parts.push(`per ${limit.per}`);
  if (limit.mode !== 'hard') parts.push(`(${limit.mode})`);
  return parts.join(' ');
}

function checkProxy(file: ConfigFile, proxy: FileProxy, path: Path, report: Report): void {
  if (!namesOf(file.providers).includes(proxy.provider)) {
    report([...path, 'provider'], `must be one of the providers; there is no ${proxy.provider}`);
  }
  const kinds = proxy.guardrails.flatMap(Object.keys);
  const guardrailsPath = [...path, 'guardrails'];
  unique(kinds, guardrailsPath, report);
  const cacheAt = kinds.indexOf('semanticCache');
  if (cacheAt >= 0 && kinds.indexOf('piiMasking') > cacheAt) {
    const message = 'stands before piiMasking and would keep what is to be masked: move it behind';
    report([...guardrailsPath, cacheAt], message);
  }
  for (const [at, entry] of proxy.guardrails.entries()) {
    checkRotation(file, proxy, entry, [...guardrailsPath, at], report);
  }
}

function checkRotation(file: ConfigFile, proxy: FileProxy, entry: FileGuardrail, path: Path, report: Report): void {
  if (entry.modelRotation === undefined) return;
  const modelsPath = [...path, 'modelRotation', 'models'];
  const targets = entry.modelRotation.models.map(({ model, provider = proxy.provider }) => ({ model, provider }));
  const names = targets.map(({ model, provider }) => `${model} of ${provider}`);
  unique(names, modelsPath, report);
  for (const [at, { model, provider }] of targets.entries()) {
    const found = file.providers.find(({ name }) => name === provider);
    if (found !== undefined && !namesOf(found.models).includes(model)) {
      report([...modelsPath, at, 'model'], `must be one of provider ${provider}'s models; it has no ${model}`);
    }
    // The proxy's own provider is reported where it stands.
    if (found === undefined && provider !== proxy.provider) {
      report([...modelsPath, at, 'provider'], `must be one of the providers; there is no ${provider}`);
    }
  }
}

function namesOf(items: readonly { name: string }[]): string[] {
  return items.map(({ name }) => name);
}

function unique(names: readonly string[], path: Path, report: Report): void {
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) < at) report([...path, at], `says ${name} a second time`);
  }
}
