import { foldCharacters } from './characters.ts';

export interface Segment {
  readonly kind: 'prose' | 'code' | 'quote';
  readonly text: string;
}

// Single quotes count only where no letter stands outside them: an apostrophe is not a quotation.
const verbatim =
  /(?<code>```[\s\S]*?```|`[^`\n]+`)|(?<quote>["“„«][^"“”„«»]+["“”»]|(?<=^|[\s(])['‘][^'‘’\n]+['’](?=$|[\s.,;:!?)]))/gu;
const indentedLine = /\n[ \t]+\S/;

/**
 * Cuts a text into prose and what must be compared letter by letter. A text with indented lines is code or data as a
 * whole: there a space can be the difference.
 */
export function segment(text: string): readonly Segment[] {
  const trimmed = text.trim();
  const segments: Segment[] = [];
  let end = 0;
  const prose = (from: number, to: number) => {
    if (to > from) segments.push({ kind: 'prose', text: foldCharacters(trimmed.slice(from, to)) });
  };
  for (const match of trimmed.matchAll(verbatim)) {
    prose(end, match.index);
    end = match.index + match[0].length;
    if (match.groups?.code === undefined) segments.push({ kind: 'quote', text: foldCharacters(match[0].slice(1, -1)) });
    else segments.push({ kind: 'code', text: match[0] });
  }
  prose(end, trimmed.length);
  const indented = segments.some((part) => part.kind === 'prose' && indentedLine.test(part.text));
  return indented ? [{ kind: 'code', text: trimmed }] : segments;
}
