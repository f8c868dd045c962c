import type { Provider } from '@tollgate/config';
import type { Dispatch, Target } from '@tollgate/contracts';
import type { Dispatcher } from 'undici';
import { outgoingHeaders } from '../domain/headers.ts';
import { type ProviderWire, wireOf } from '../providers/index.ts';
import type { Credentials } from './credentials.ts';
import type { Key } from './key-source.ts';
import type { Pools } from './pools.ts';

export interface Endpoint {
  provider: Provider;
  origin: string;
  wire: ProviderWire;
}

/** Where providers are reached and with which key: worked out once for each provider of each revision. */
export class Endpoints {
  readonly #credentials: Credentials;
  readonly #pools: Pools;
  readonly #known = new WeakMap<Provider, Endpoint>();

  constructor(credentials: Credentials, pools: Pools) {
    this.#credentials = credentials;
    this.#pools = pools;
  }

  of(provider: Provider): Endpoint {
    let endpoint = this.#known.get(provider);
    if (!endpoint) {
      endpoint = { provider, origin: new URL(provider.endpoint).origin, wire: wireOf(provider) };
      this.#known.set(provider, endpoint);
    }
    return endpoint;
  }

  keyOf(provider: Provider): Key | Promise<Key> {
    return this.#credentials.find(provider);
  }

  /** The provider refused the key of this version: whether there is a newer one. */
  renewKey(provider: Provider, version: number): Promise<boolean> {
    return this.#credentials.renew(provider, version);
  }

  pool({ origin }: Endpoint, { provider, deployment }: Pick<Target, 'provider' | 'deployment'>): Dispatcher {
    return this.#pools.get({ origin, target: `${provider} ${deployment}` });
  }

  /** Connections to what a new configuration does not name any more are closed when their calls are over. */
  configured(providers: readonly Provider[]): void {
    this.#credentials.configured(providers);
    const places = providers.flatMap((provider) => {
      const { origin } = this.of(provider);
      return provider.models.map(({ deployment }) => ({ origin, target: `${provider.name} ${deployment}` }));
    });
    this.#pools.keepOnly([...places, ...this.#credentials.origins.map((origin) => ({ origin, target: '' }))]);
  }
}

/** All headers of a call: our own, the allow-listed ones of the caller, the provider's that the caller did not choose. */
export function callHeaders({ wire }: Endpoint, key: string | undefined, dispatch: Dispatch): string[] {
  const accept = dispatch.stream ? 'text/event-stream' : 'application/json';
  // A call by id has no body, and so no type of one.
  const contentType = dispatch.stored ? [] : ['content-type', 'application/json'];
  const callers = outgoingHeaders(dispatch.headers, dispatch.surface);
  const own = wire.headers(key, dispatch.requestId);
  return [...contentType, 'accept', accept, 'user-agent', 'tollgate', ...callers, ...without(own, callers)];
}

/** Names and values in turn, without the names of others: no header goes out twice. */
function without(headers: readonly string[], others: readonly string[]): string[] {
  if (others.length === 0) return [...headers];
  const taken = new Set(others.filter((_, at) => at % 2 === 0));
  return headers.filter((_, at) => !taken.has(headers[at - (at % 2)] as string));
}
