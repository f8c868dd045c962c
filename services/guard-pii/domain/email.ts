import { isDigit, isLatin, isLetter } from './characters.ts';
import { domainEnd } from './email-domain.ts';
import type { Span } from './span.ts';

/** RFC 5321 allows 254 for a whole path; a longer run of characters before an @ is no address. */
const localCharactersMax = 254;

/** Signs of RFC 5322's atext that really stand within addresses, and the dot. The others part words in running text. */
const withinLocal = new Set([..."!#$%&'+-._~="].map((sign) => sign.charCodeAt(0)));

/** Of those, the ones that no address begins with in practice: quotes, brackets of all kinds, markup around it. */
const leadingSigns = /^[!#$%&'+.~=-]+/;

/** Addresses that hold another one, as mailing lists and forwarders make them: the = belongs to it. */
const rewritten = /^(?:[^=+]+\+|srs[01][=+-])/i;

/**
 * Addresses of RFC 5321 and 6531 as people and programs write them: dots anywhere, plus parts, letters of any script,
 * quoted local parts, domain literals. Linear: from each @ it looks no further left than the one before.
 */
export function findEmails(text: string, found: Span[]): void {
  let from = 0;
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const start = localStart(text, at, from);
    if (start === at) continue;
    const end = domainEnd(text, at + 1);
    if (end === -1) continue;
    if (isRepository(text, start, at, end)) continue;
    found.push({ kind: 'email', start, end, value: text.slice(start, end).toLowerCase() });
    from = end;
  }
}

/** Where the local part before this @ begins; `at` when there is none. */
function localStart(text: string, at: number, from: number): number {
  if (text.charCodeAt(at - 1) === 0x22) return quotedStart(text, at, from);
  const first = Math.max(from, at - localCharactersMax - 1);
  let start = at;
  let script: 'latin' | 'other' | undefined;
  while (start > first) {
    const code = text.charCodeAt(start - 1);
    if (isLetter(code)) {
      // Chinese or Thai text runs on into an address without a space: after Latin letters only Latin ones belong to it.
      const latin = isLatin(code);
      if (!latin && script === 'latin') break;
      script ??= latin ? 'latin' : 'other';
    } else if (!isDigit(code) && !withinLocal.has(code)) break;
    start--;
  }
  if (at - start > localCharactersMax) return at;
  let local = text.slice(start, at);
  const sign = rewritten.test(local) ? -1 : local.lastIndexOf('=');
  local = local.slice(sign + 1).replace(leadingSigns, '');
  return at - local.length;
}

/** "any text"@example.com */
function quotedStart(text: string, at: number, from: number): number {
  const first = Math.max(from, at - localCharactersMax);
  for (let start = at - 2; start >= first; start--) {
    const code = text.charCodeAt(start);
    if (code === 0x0a) break;
    if (code === 0x22 && text.charCodeAt(start - 1) !== 0x5c) return start + 2 < at ? start : at;
  }
  return at;
}

/** git@github.com:owner/name is a place of code, and nobody's address. */
function isRepository(text: string, start: number, at: number, end: number): boolean {
  return at - start === 3 && text.startsWith('git', start) && /[:/]/.test(text.charAt(end));
}
