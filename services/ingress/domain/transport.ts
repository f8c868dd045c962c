import type { IncomingHttpHeaders } from 'node:http';
import { TollgateError } from '@tollgate/errors';

/**
 * What of HTTP is asked for and not spoken here; undefined: nothing.
 *
 * A handshake for WebSocket (RFC 6455, 4.1: a GET whose `Upgrade` names it) is `upgrade_required`, status 426: Codex goes on over
 * HTTP at once when it reads that, and after six more tries when it reads another status. `Upgrade: h2c`, which Java's client
 * sends with every request, asks for nothing (RFC 9110, 7.8: it may be ignored).
 * A body in a `Content-Encoding` is `unsupported_encoding`, status 415, with `Accept-Encoding` (RFC 9110, 15.5.16): nobody behind
 * would read it.
 */
export function transportRefusal(method: string, headers: IncomingHttpHeaders): TollgateError | undefined {
  const { upgrade, 'content-encoding': encoding } = headers;
  if (upgrade !== undefined && method === 'GET' && /(^|,)\s*websocket\b/i.test(upgrade)) {
    // RFC 9110, 15.5.22: the answer names what is spoken instead.
    return new TollgateError('upgrade_required', { headers: { upgrade: 'HTTP/1.1', connection: 'upgrade, close' } });
  }
  if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity')
    return new TollgateError('unsupported_encoding', { headers: { 'accept-encoding': 'identity' } });
  return undefined;
}
