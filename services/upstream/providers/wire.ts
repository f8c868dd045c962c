import type { StoredCall, Surface } from '@tollgate/contracts';

/** How one type of provider is called. */
export interface ProviderWire {
  /** Path and query of a call, for the origin of the provider's endpoint. @throws RangeError for a surface it lacks */
  path(surface: Surface, deployment: string): string;
  /** How a response is asked for by the provider's own id of it. @throws RangeError for an action that it lacks */
  stored(call: StoredCall): { method: 'POST' | 'GET' | 'DELETE'; path: string };
  /** The credential, and what else this provider wants with each call. @param key undefined: the endpoint needs none */
  headers(key: string | undefined, requestId: string): string[];
  /** Whether a refusal of this status and code is billed, by what the provider documents. */
  billsRefusal(status: number, code: string): boolean;
}
