import type { Token } from '../text/token.ts';

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const superlatives = set(
  'oldest newest youngest largest smallest biggest highest lowest tallest longest shortest fastest slowest nearest closest cheapest',
);
// Where "of" belongs to a verb or an adjective.
const ofOthers = set(
  'out because instead ahead full afraid made think thinks thought dream dreams hear hears heard proud aware capable sick tired consist consists speak speaks know knows die dies died any some all none one each many most few much',
);
// "take a part" is not "take part".
const phrasal = set('take have be make');
// "a few" is not "few", and the a of "vitamin a" is no article.
const quantities = set('few little lot bit');
const labelled = set(
  'vitamin hepatitis type plan grade level class series group section part option point team size influenza form exhibit appendix',
);
const ofDistanceMax = 3;

/**
 * Drops an article only where the noun is as definite without it: before a superlative, "the … of …", and "a" in a how-to.
 * Elsewhere it carries meaning ("what is the time", "what is time").
 */
export function withoutIdleArticles(tokens: readonly Token[]): readonly Token[] {
  const isProcedure = tokens[0]?.text === 'how' && tokens[1]?.text === 'to';
  return tokens.filter((token, index) => {
    const next = tokens[index + 1];
    if (token.kind !== 'word' || next?.kind !== 'word' || token.pause !== '') return true;
    if (token.text === 'the') return !(superlatives.has(next.text) || ofFollows(tokens, index + 2));
    if (token.text !== 'a' && token.text !== 'an') return true;
    const before = tokens[index - 1]?.text ?? '';
    return !isProcedure || quantities.has(next.text) || labelled.has(before) || phrasal.has(before);
  });
}

function ofFollows(tokens: readonly Token[], from: number): boolean {
  for (let index = from; index < from + ofDistanceMax - 1; index++) {
    if (tokens[index]?.text === 'of') return !ofOthers.has(tokens[index - 1]?.text ?? '');
  }
  return false;
}
