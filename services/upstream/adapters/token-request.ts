import type { WorkloadIdentity } from '@tollgate/config';
import type { Dispatcher } from 'undici';
import { retryAfterMs } from '../domain/retry-after.ts';
import { readTokenAnswer, type TokenAnswer } from '../domain/token-answer.ts';

const answerBytesMax = 256 * 1024;

export type AskedToken = TokenAnswer & { retryAfterMs: number };

/**
 * Asks for a token with an assertion in place of a secret: OAuth 2.0 client credentials (RFC 6749, section 4.4) with a JWT as the
 * client's authentication (RFC 7523, section 2.2), at Entra's endpoint of version 2.
 * @param askMsMax a token endpoint that does not answer by then is away
 * @throws what the connection broke with, and a TimeoutError
 */
export async function requestToken(
  pool: Dispatcher,
  { authority, tenantId, clientId, scope }: Omit<WorkloadIdentity, 'tokenFile'>,
  assertion: string,
  askMsMax: number,
): Promise<AskedToken> {
  const { origin, pathname } = new URL(`${authority}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`);
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  const { statusCode, headers, body } = await pool.request({
    origin,
    path: pathname,
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': 'tollgate',
    },
    body: form.toString(),
    signal: AbortSignal.timeout(askMsMax),
  });
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > answerBytesMax) break;
    parts.push(part);
  }
  const answer = readTokenAnswer(statusCode, Buffer.concat(parts).toString('utf8'));
  return { ...answer, retryAfterMs: retryAfterMs(headers, Date.now()) };
}
