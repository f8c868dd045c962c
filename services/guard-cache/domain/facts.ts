import { functionWords, negations } from './text/english.ts';
import { type Token, word } from './text/token.ts';

// Words that open a request; a capital there is no name.
const openers = new Set(
  'add answer calculate capital check compare convert count create define delete describe design draft draw edit evaluate explain find fix generate give help improve is list look make name open paraphrase plan please print prove provide read recommend remove reply rewrite say search show solve sort suggest summarise summarize tell think translate use write'.split(
    ' ',
  ),
);

/**
 * What a question is about whatever its words: numbers with their units, negations, names, symbols, quoted text and code, in
 * their order. Names are known by their capitals, so a text in small letters has none: `facts` needs an embedding that
 * knows meanings, and is not for LOCAL.
 */
export function facts(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap((token, index) => {
    if (token.kind === 'break') return [];
    if (token.kind !== 'word') return [token];
    if (tokens[index - 1]?.kind === 'number') return [token];
    if (negations.has(token.text) || token.text.endsWith("n't")) return [word(token.text)];
    return isName(token) ? [word(token.text)] : [];
  });
}

const isName = (token: Token) =>
  token.name === 'yes' || (token.name === 'maybe' && !openers.has(token.text) && !functionWords.has(token.text));
