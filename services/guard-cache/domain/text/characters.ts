// Spellings of the same character that keyboards and word processors exchange without asking. Not NFKC: that would turn
// x² into x2, which is another number.
const folds: readonly (readonly [RegExp, string])[] = [
  [/\r\n?/g, '\n'],
  [/[\u200B\uFEFF\u00AD]/g, ''],
  [/[\u00A0\u2000-\u200A\u202F\u3000]/g, ' '],
  [/[\u2018\u2019\u201A\u02BC]/g, "'"],
  [/[\u201C\u201D\u201E\u201F\u00AB\u00BB]/g, '"'],
  [/[\u2010-\u2014\u2212]/g, '-'],
];

const plainAscii = /^[\n\x20-\x7E]*$/;

/** Unicode NFC, with typographic quotes, dashes and spaces as their plain forms and invisible characters gone. */
export function foldCharacters(text: string): string {
  if (plainAscii.test(text)) return text;
  let folded = text.normalize('NFC');
  for (const [pattern, replacement] of folds) folded = folded.replace(pattern, replacement);
  return folded;
}
