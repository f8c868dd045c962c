import { randomBytes } from 'node:crypto';

const CHARS = 22;

/** Ids as Anthropic makes them: a prefix with its version, and 22 letters and digits. */
export function newId(prefix: 'msg_01' | 'toolu_01' | 'req_01'): string {
  const letters = randomBytes(CHARS * 2)
    .toString('base64')
    .replaceAll(/[+/=]/g, '');
  return prefix + letters.slice(0, CHARS).padEnd(CHARS, 'A');
}
