import { auxiliaries, functionWords, questionWords } from '../text/english.ts';
import type { Token } from '../text/token.ts';

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const greetings = set('hello hi hey ok okay');
const pleas = set('please kindly');
const goodbyes = set('please thanks');
const speech = set('say says said saying mean means use word words spell pronounce translate define write');
const askers = set('can could would will');
// "Would you write a letter to him?" asks for advice, "can you write …" for the letter.
const plainAskers = set('can could');
const requests = set(
  'explain describe summarize summarise write list translate convert define compare give show create generate calculate find',
);
// What shows that "can you translate …" asks for a translation, not for a skill.
const objects = set('a an the this these my me how why what following');
const enquiries: readonly (readonly string[])[] = [
  'tell me',
  'do you know',
  'i want to know',
  'i need to know',
  'i would like to know',
  "i'd like to know",
  'i am wondering',
  'i was wondering',
].map((phrase) => phrase.split(' '));
const roundsMax = 4;

const startsWith = (tokens: readonly Token[], phrase: readonly string[], at: number) =>
  phrase.every((text, index) => tokens[at + index]?.text === text);

export interface Plain {
  readonly tokens: readonly Token[];
  /** The question stood in a sentence about itself: "tell me what it is". */
  readonly indirect: boolean;
}

/** The question without its courtesies, which no answer depends on. */
export function withoutCourtesy(asked: readonly Token[]): Plain {
  let tokens = withoutGoodbye(asked);
  let indirect = false;
  for (let round = 0; round < roundsMax; round++) {
    const { length, isEnquiry } = courtesyLength(tokens);
    if (length === 0) break;
    indirect ||= isEnquiry;
    tokens = tokens.slice(length);
  }
  return { tokens, indirect };
}

function courtesyLength(tokens: readonly Token[]): { length: number; isEnquiry: boolean } {
  const first = tokens[0];
  if (first === undefined || tokens.length < 2) return { length: 0, isEnquiry: false };
  if (greetings.has(first.text)) return { length: greetingLength(tokens), isEnquiry: false };
  // "Please Mr. Postman" is a song.
  if (pleas.has(first.text))
    return { length: tokens[1]?.kind === 'word' && tokens[1].name === 'no' ? 1 : 0, isEnquiry: false };
  const asksYou = askers.has(first.text) && tokens[1]?.text === 'you';
  const please = asksYou && pleas.has(tokens[2]?.text ?? '');
  const verbAt = asksYou ? (please ? 3 : 2) : 0;
  const enquiry = enquiries.find((phrase) => startsWith(tokens, phrase, verbAt));
  if (enquiry !== undefined) {
    const length = verbAt + enquiry.length;
    const asksOn = questionWords.has(tokens[length]?.text ?? '') && tokens.length > length + 1;
    return asksOn ? { length, isEnquiry: true } : { length: 0, isEnquiry: false };
  }
  const next = tokens[verbAt + 1];
  const isRequest = asksYou && requests.has(tokens[verbAt]?.text ?? '') && next !== undefined;
  const isObject = objects.has(next?.text ?? '') || next?.kind === 'quote' || next?.kind === 'code';
  const hasObject = please || (isObject && plainAskers.has(first.text));
  return { length: isRequest && hasObject ? verbAt : 0, isEnquiry: false };
}

// "Hey, how …", "hi can you …", but not "hello world" or "hey Jude".
function greetingLength(tokens: readonly Token[]): number {
  const length = tokens[1]?.kind === 'break' ? 2 : 1;
  const next = tokens[length]?.text ?? '';
  return questionWords.has(next) || auxiliaries.has(next) || pleas.has(next) || requests.has(next) || next === 'i'
    ? length
    : 0;
}

function withoutGoodbye(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.at(-1)?.text ?? '';
  const length = goodbyes.has(last) ? 1 : last === 'you' && tokens.at(-2)?.text === 'thank' ? 2 : 0;
  const before = tokens.at(-1 - length);
  // "What is the word for thanks?" asks about it.
  const isMeant = before?.pause === '' && (functionWords.has(before.text) || speech.has(before.text));
  return length === 0 || before === undefined || isMeant ? tokens : tokens.slice(0, tokens.length - length);
}
