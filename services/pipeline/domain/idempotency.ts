import { hash, webcrypto } from 'node:crypto';
import type { IdempotencyClaim, Request } from '@tollgate/contracts';

/** Hashed here in one go; a larger body would keep small requests waiting. */
const hereBytesMax = 256 * 1024;

/**
 * What a request says of itself that wants to be made once. The same retry has the same body, surface, proxy and model in its
 * path; what else a caller may say (time-out, cache, metadata) may differ. The caller's own key, which only it knows, is part of
 * the body's digest, so that nobody finds a short text by trying.
 */
export function idempotencyClaim(
  request: Pick<Request, 'surface' | 'pathModel'>,
  callersKey: string,
  proxyId: string,
  body: Buffer,
): IdempotencyClaim | Promise<IdempotencyClaim> {
  const of = (digest: Uint8Array): IdempotencyClaim => {
    const told = [
      1,
      callersKey,
      request.surface,
      proxyId,
      request.pathModel,
      Buffer.from(digest).toString('base64url'),
    ];
    return {
      key: hash('sha256', callersKey, 'buffer'),
      body: hash('sha256', JSON.stringify(told), 'buffer'),
      abandoned: '',
    };
  };
  if (body.length <= hereBytesMax) return of(hash('sha256', body, 'buffer'));
  return webcrypto.subtle.digest('SHA-256', body).then((digest) => of(new Uint8Array(digest)));
}

/** The caller is gone, as opposed to the request: with an idempotency key it runs to its end, for a retry to find. */
export function isLeave(reason: string): boolean {
  return reason === 'client_gone' || reason === 'ingress_gone';
}
