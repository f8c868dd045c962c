import { isLoopback } from './derived.ts';

/** Tenants (ids or domains) and clients: they become parts of a URL. */
export const IDENTITY_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;
export const IDENTITY_NAME_RULE = 'must be an id as Azure has them, or a domain';

/** A token is sent there that stands for the workload, so never in plain text to another machine. */
export function authorityProblem(authority: string): string | undefined {
  const url = URL.parse(authority);
  const schemes = url !== null && isLoopback(url.hostname) ? ['https:', 'http:'] : ['https:'];
  if (url === null || !schemes.includes(url.protocol)) return 'must be an https:// URL';
  if (url.username !== '' || url.password !== '' || /[?#\s\\]/.test(authority)) {
    return 'must be a base URL, without user, query or fragment';
  }
  return undefined;
}
