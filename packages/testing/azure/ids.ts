import { randomBytes } from 'node:crypto';

const CHARS_BY_PREFIX: Record<string, number> = { 'chatcmpl-': 29, call_: 24, resp_: 50, msg_: 50, fc_: 50 };

/** Ids as the provider makes them: a prefix and hex digits, of the length that its kind has. */
export function newId(prefix: 'chatcmpl-' | 'call_' | 'resp_' | 'msg_' | 'fc_' | 'rs_' | 'ci_' | 'cntr_'): string {
  const chars = CHARS_BY_PREFIX[prefix] ?? 32;
  return (
    prefix +
    randomBytes(Math.ceil(chars / 2))
      .toString('hex')
      .slice(0, chars)
  );
}
