import { isLoopback } from '../env/derived.ts';
import type { ConfigSnapshot, Provider, Webhook } from '../model/snapshot.ts';

/** What is allowed and still worth a line at each start. */
export function warningsOf(
  providers: readonly Provider[],
  prices: ConfigSnapshot['prices'],
  webhooks: readonly Webhook[],
): string[] {
  return [
    ...providers.flatMap(plainHttp),
    ...providers.flatMap((provider) => atFallback(provider, prices)),
    ...webhooks.flatMap(plainWebhook),
  ];
}

function plainWebhook({ name, url, insecure }: Webhook): string[] {
  if (!insecure || (typeof url === 'string' && !isPlain(url))) return [];
  return [`Webhook ${name} may be called over plain http: what it is told can be read and changed on the way.`];
}

function isPlain(url: string): boolean {
  return url.startsWith('http://') && !isLoopback(new URL(url).hostname);
}

function plainHttp({ name, endpoint }: Provider): string[] {
  if (!isPlain(endpoint)) return [];
  return [
    `Provider ${name} is called over plain http (${endpoint}): prompts, answers and the credential can be read on the way.`,
  ];
}

function atFallback({ name, models }: Provider, prices: ConfigSnapshot['prices']): string[] {
  const unpriced = models.filter(({ baseModel }) => !Object.hasOwn(prices, baseModel)).map((model) => model.name);
  if (unpriced.length === 0) return [];
  return [`Provider ${name}: ${unpriced.join(', ')} has no price of its own and is charged by priceList.fallback.`];
}
