import { isDigit, isLatin, isLetter } from './characters.ts';

/** RFC 1035. */
const labelCharactersMax = 63;
const domainCharactersMax = 253;

/** [192.0.2.1], [IPv6:2001:db8::1] */
const literal = /\[(?:ipv6:)?[0-9a-f:.]{2,45}\]/iy;

const topLevel = /^(?:\p{L}[\p{L}\p{M}]{1,62}|xn--[a-z0-9-]{2,59})$/iu;

interface Label {
  end: number;
  isNumeric: boolean;
}

/** Where the mail domain that begins here ends: the longest one with a top-level domain; -1 when there is none. */
export function domainEnd(text: string, start: number): number {
  if (text.charCodeAt(start) === 0x5b) {
    literal.lastIndex = start;
    return literal.test(text) ? literal.lastIndex : -1;
  }
  const labels = labelsFrom(text, start);
  // "bob@example.com.2" and "bob@example.com.": the domain is what comes before.
  for (let count = labels.length; count >= 2; count--) {
    const end = labels[count - 1]?.end ?? -1;
    const last = text.slice((labels[count - 2]?.end ?? -1) + 1, end);
    if (topLevel.test(last)) return isFile(text.slice(start, end), labels.slice(0, count - 1)) ? -1 : end;
  }
  return -1;
}

function labelsFrom(text: string, start: number): Label[] {
  const labels: Label[] = [];
  for (let from = start; from - start <= domainCharactersMax; ) {
    const label = labelAt(text, from);
    if (label === undefined) break;
    labels.push(label);
    if (text.charCodeAt(label.end) !== 0x2e) break;
    from = label.end + 1;
  }
  return labels;
}

/** Letters, digits and hyphens within; Latin letters when it begins with one, so that it ends where other script begins. */
function labelAt(text: string, start: number): Label | undefined {
  let end = start;
  let latinOnly: boolean | undefined;
  let isNumeric = true;
  for (; end - start < labelCharactersMax && end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (isLetter(code)) {
      const latin = isLatin(code);
      latinOnly ??= latin;
      if (latinOnly && !latin) break;
      isNumeric = false;
    } else if (code === 0x2d) {
      if (end === start) return undefined;
    } else if (!isDigit(code)) break;
  }
  while (text.charCodeAt(end - 1) === 0x2d && end > start) end--;
  return end === start ? undefined : { end, isNumeric };
}

const image = /^\dx\.(?:png|jpe?g|gif|webp|avif|svg)$/i;

/** lodash@4.17.21.tgz, icon@2x.png */
function isFile(domain: string, labels: readonly Label[]): boolean {
  return image.test(domain) || labels.filter(({ isNumeric }) => isNumeric).length >= 2;
}
