/**
 * The simulated model's words: a pure function of the last user text and the model, so that tests can assert on them.
 *
 * | the prompt | the answer |
 * |---|---|
 * | starts with "Repeat" | the prompt itself, byte for byte |
 * | "Write N words", "Write N KiB", "Write N MiB" | exactly so much plain text |
 * | asks for the capital of a country it knows | "The capital of France is Paris." |
 * | anything else | one sentence with the model and the prompt's first words |
 */
export function answerText(prompt: string, model: string): string {
  if (/^\s*repeat\b/i.test(prompt)) return prompt;
  const order = /^\s*write (\d{1,9}) (words?|KiB|MiB)\b/i.exec(prompt);
  if (order) return written(Number(order[1]), (order[2] ?? '').toLowerCase());
  const country = /\bcapital of ([a-z]+)/i.exec(prompt)?.[1];
  const capital = CAPITALS.find(([name]) => name.toLowerCase() === country?.toLowerCase());
  if (capital) return `The capital of ${capital[0]} is ${capital[1]}.`;
  return `You said "${firstWords(prompt)}", and ${model} answers this every time.`;
}

/** The answer to a prompt whose last turn is a tool's result. */
export function toolResultText(result: string): string {
  return `The tool answered: ${firstWords(result)}`;
}

const CAPITALS: readonly (readonly [string, string])[] = [
  ['France', 'Paris'],
  ['Germany', 'Berlin'],
  ['Spain', 'Madrid'],
  ['Italy', 'Rome'],
  ['Portugal', 'Lisbon'],
  ['Austria', 'Vienna'],
  ['Japan', 'Tokyo'],
  ['Canada', 'Ottawa'],
];

const FIRST_WORDS = 12;
const FIRST_WORDS_CHARS_MAX = 120;
/** No answer is larger, whatever was asked for. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

function firstWords(text: string): string {
  // Only the beginning is split: a prompt may have megabytes.
  const words = text
    .slice(0, 4 * FIRST_WORDS_CHARS_MAX)
    .trim()
    .split(/\s+/)
    .slice(0, FIRST_WORDS);
  const said = words.join(' ').slice(0, FIRST_WORDS_CHARS_MAX);
  // A cut inside a surrogate pair would not be valid UTF-8.
  return said.replace(/[\ud800-\udbff]$/, '');
}

const WORDS =
  'the gate opens when a team has paid its toll and every word that passes is counted once by a keeper who forgets no name and tells no secret while rivers of text run quietly under the bridge toward the sea'.split(
    ' ',
  );
const LINE = `${WORDS.join(' ')}. `;
// The longest word and its space have 8 bytes, so this many stay below ANSWER_BYTES_MAX.
const WORDS_MAX = ANSWER_BYTES_MAX / 8;

function written(amount: number, unit: string): string {
  if (unit === 'kib' || unit === 'mib') {
    const bytes = Math.min(amount * (unit === 'kib' ? 1024 : 1024 * 1024), ANSWER_BYTES_MAX);
    return LINE.repeat(Math.ceil(bytes / LINE.length)).slice(0, bytes);
  }
  const count = Math.min(amount, WORDS_MAX);
  const rounds = Math.floor(count / WORDS.length);
  return [...Array<string>(rounds).fill(WORDS.join(' ')), ...WORDS.slice(0, count % WORDS.length)].join(' ');
}
