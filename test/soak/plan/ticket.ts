const letters = 6;
const base = 26;

/**
 * A word that stands in a request's text and so in the provider's record of the call. Letters only: digits could be masked as a
 * phone number. Unique below 26⁶.
 */
export function ticketOf(number: number): string {
  let rest = number;
  let word = '';
  for (let place = 0; place < letters; place++) {
    word = String.fromCharCode(0x61 + (rest % base)) + word;
    rest = Math.floor(rest / base);
  }
  return `ticket${word}`;
}

const pattern = new RegExp(`ticket[a-z]{${letters}}`);

/** The first ticket in a text. */
export function ticketIn(text: string): string | undefined {
  return pattern.exec(text)?.[0];
}
