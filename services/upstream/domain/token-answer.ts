import { parseRecord } from './json.ts';

interface IssuedToken {
  token: string;
  /** From the request that asked for it. */
  expiresInMs: number;
  /** When the next one should be asked for. */
  refreshInMs: number;
}

export type TokenAnswer = IssuedToken | { problem: string };

/** Tokens of Entra have some 2 KB, with many groups ten times that; it becomes a header. */
const tokenPattern = /^[\x21-\x7e]{1,32768}$/;
/** Where the endpoint does not say when: early enough for some failures. */
const refreshShare = 0.8;
/** Longer than any token lives (Entra: 24 hours, or 28 under continuous access evaluation). */
const expiresInSecondsMax = 7 * 86_400;

/**
 * What a token endpoint answered (RFC 6749, sections 5.1 and 5.2; `refresh_in` as Entra says it). A problem is told by the
 * endpoint's codes only: its texts may repeat what was sent.
 */
export function readTokenAnswer(status: number, body: string): TokenAnswer {
  const answer = parseRecord(body);
  if (status !== 200) return { problem: `the token endpoint answered ${status}${codesOf(answer)}` };
  const { access_token: token, token_type: type } = answer ?? {};
  if (typeof token !== 'string' || !tokenPattern.test(token) || typeof type !== 'string' || !/^bearer$/i.test(type)) {
    return { problem: 'the token endpoint answered 200 without a token that can be sent' };
  }
  const seconds = secondsOf(answer?.expires_in);
  if (seconds === undefined) return { problem: 'the token endpoint did not say how long its token lives' };
  const expiresInMs = Math.min(seconds, expiresInSecondsMax) * 1000;
  const refreshInMs = (secondsOf(answer?.refresh_in) ?? Number.POSITIVE_INFINITY) * 1000;
  return { token, expiresInMs, refreshInMs: refreshInMs < expiresInMs ? refreshInMs : expiresInMs * refreshShare };
}

/** Some endpoints write numbers as texts. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** `invalid_client` and the number that Entra's documentation lists. */
function codesOf(answer: Record<string, unknown> | undefined): string {
  const { error, error_description: text } = answer ?? {};
  const name = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? ` ${error}` : '';
  const number = typeof text === 'string' ? /\bAADSTS\d{1,9}\b/.exec(text)?.[0] : undefined;
  return number === undefined ? name : `${name} ${number}`;
}
