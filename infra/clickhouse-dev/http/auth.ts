import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { EngineException } from '../engine/exception.ts';

export interface Credentials {
  user: string;
  password: string;
}

/**
 * Looks where ClickHouse looks: X-ClickHouse-User/-Key, HTTP Basic, the URL; else it is the user `default` without a password.
 * @throws EngineException REQUIRED_PASSWORD (401) when nothing was sent but is needed, AUTHENTICATION_FAILED (403) when it is wrong
 */
export function authenticate(headers: IncomingHttpHeaders, url: URLSearchParams, expected: Credentials): void {
  const sent = fromHeaders(headers) ?? fromBasic(headers.authorization) ?? fromUrl(url);
  const given = sent ?? { user: 'default', password: '' };
  const matches = [equal(given.user, expected.user), equal(given.password, expected.password)];
  if (matches.every(Boolean)) return;
  if (!sent) throw EngineException.of('REQUIRED_PASSWORD', 'A user name and a password are needed');
  const message = `${given.user.slice(0, 64)}: Authentication failed: password is incorrect, or there is no user with such name`;
  throw EngineException.of('AUTHENTICATION_FAILED', message);
}

function fromHeaders(headers: IncomingHttpHeaders): Credentials | undefined {
  const user = headers['x-clickhouse-user'];
  const key = headers['x-clickhouse-key'];
  if (typeof user !== 'string' && typeof key !== 'string') return undefined;
  return { user: typeof user === 'string' ? user : 'default', password: typeof key === 'string' ? key : '' };
}

function fromBasic(header: string | undefined): Credentials | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? { user: text, password: '' } : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function fromUrl(url: URLSearchParams): Credentials | undefined {
  const user = url.get('user');
  const password = url.get('password');
  return user === null && password === null ? undefined : { user: user ?? 'default', password: password ?? '' };
}

/** In equal time whatever the lengths. */
function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
