const letter = /\p{L}|\p{M}/u;
const latin = /\p{Script=Latin}|\p{M}/u;

/** 0–9, and the full-width, Arabic and Persian digits that libphonenumber reads too. */
export function isDigit(code: number): boolean {
  if (code < 0x660) return code >= 0x30 && code <= 0x39;
  return (code >= 0x660 && code <= 0x669) || (code >= 0x6f0 && code <= 0x6f9) || (code >= 0xff10 && code <= 0xff19);
}

/** The same digits as 0–9. */
export function asciiDigits(text: string): string {
  let digits = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // In each of the four blocks the low nibble is the digit.
    if (isDigit(code)) digits += String.fromCharCode(0x30 + (code & 0xf));
  }
  return digits;
}

/** A letter of any script within the basic plane, or a mark on one. */
export function isLetter(code: number): boolean {
  if (code < 0x80) return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
  return letter.test(String.fromCharCode(code));
}

export function isLatin(code: number): boolean {
  return code < 0x80 ? isLetter(code) : latin.test(String.fromCharCode(code));
}

/** Part of a word or a number: what stands next to it belongs to the same token. */
export function isWord(code: number): boolean {
  return isDigit(code) || code === 0x5f || isLetter(code);
}
