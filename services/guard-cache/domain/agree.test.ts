import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPairs, type Pair } from '../testdata/pairs.ts';
import { type Agreement, read } from './agree.ts';
import { embedLocal } from './embed.ts';

/** The guide's threshold. */
const threshold = 0.92;
const levels: readonly Agreement[] = ['exact', 'content', 'facts', 'none'];

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

/** The two keys, as a lookup turns them. */
function hits(level: Agreement, question: string, other: string): boolean {
  const [one, two] = [read(question), read(other)];
  if (one.signatures.exact === two.signatures.exact) return true;
  if (level === 'exact') return false;
  const near = cosine(embedLocal(one.tokens), embedLocal(two.tokens)) >= threshold - 1e-6;
  return near && (level === 'none' || one.signatures[level] === two.signatures[level]);
}

type Row = { pairs: number } & Record<Agreement, number>;

function count(pairs: readonly Pair[]): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const { category, question, other } of pairs) {
    rows[category] ??= { pairs: 0, exact: 0, content: 0, facts: 0, none: 0 };
    const row = rows[category];
    row.pairs++;
    for (const level of levels) if (hits(level, question, other)) row[level]++;
  }
  return rows;
}

test('no question is answered with the answer to another: wrong hits by category, LOCAL at 0.92', () => {
  const rows = count(loadPairs('different'));
  console.table(rows);
  for (const [category, row] of Object.entries(rows)) {
    assert.ok(row.pairs >= 12, `too few pairs of ${category}`);
    assert.equal(row.content, 0, `wrong hits with content: ${category}`);
    assert.equal(row.exact, 0, `wrong hits with exact: ${category}`);
  }
  // What `facts` promises whatever the embedding; the cosine alone promises nothing.
  for (const category of ['number', 'unit', 'negation', 'code', 'quote'])
    assert.equal(rows[category]?.facts, 0, category);
  assert.ok((rows.order?.none ?? 0) > 0, 'the pairs must be able to fail a cosine');
});

test('the same question in another spelling is a hit: right hits by category, LOCAL at 0.92', () => {
  const rows = count(loadPairs('same'));
  console.table(rows);
  const share = (category: string) => (rows[category]?.content ?? 0) / (rows[category]?.pairs ?? 1);
  assert.ok(share('surface') >= 0.9, `surface variants found: ${share('surface')}`);
  assert.equal(share('foreign'), 1);
});

test("the guide's promise: what's the capital of France", () => {
  assert.ok(hits('content', 'What is the capital of France?', "what's the capital of France"));
});

test('one word replaced, moved or negated anywhere is another question', () => {
  let mutations = 0;
  for (const { question } of [...loadPairs('different'), ...loadPairs('same')]) {
    // Inside quotations and code everything counts anyway, and a mutation may break their bounds.
    if (/["“«`'\n]/.test(question)) continue;
    const words = question.split(' ');
    const original = read(question).signatures.content;
    words.forEach((word, at) => {
      const bare = word.replace(/[?.!,]+$/, '');
      const rest = word.slice(bare.length);
      const mutants = [
        words.with(at, `zebra${rest}`),
        words.with(at, `not ${word}`),
        words.with(
          at,
          word.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
        ),
      ];
      for (const mutant of mutants.map((changed) => changed.join(' ')).filter((text) => text !== question)) {
        mutations++;
        assert.notEqual(read(mutant).signatures.content, original, `${question} | ${mutant}`);
      }
    });
  }
  assert.ok(mutations > 5000, `${mutations} mutations`);
});

test('two words exchanged are another question', () => {
  // An article in a wrong place says nothing else, nor does one verb in two forms.
  const idle = /^(?:the|an?)$/i;
  const form = (word: string) => word.toLowerCase().replace(/^does$/, 'do');
  let exchanges = 0;
  const same: string[] = [];
  for (const { question } of loadPairs('different')) {
    if (/["“«`'\n]/.test(question)) continue;
    const words = question.replace(/[ ?.!,]+$/, '').split(' ');
    const original = read(words.join(' ')).signatures.content;
    for (let one = 0; one < words.length; one++) {
      for (let two = one + 1; two < words.length; two++) {
        const [a, b] = [words[one] ?? '', words[two] ?? ''];
        if (form(a) === form(b) || idle.test(a) || idle.test(b)) continue;
        exchanges++;
        const exchanged = words.with(one, b).with(two, a).join(' ');
        if (read(exchanged).signatures.content === original) same.push(exchanged);
      }
    }
  }
  assert.ok(exchanges > 4000, `${exchanges} exchanges`);
  // Bad English for the same question.
  assert.deepEqual(same, ['Tell me where is he']);
});

test('hostile texts are read in linear time', () => {
  const length = 64 * 1024;
  const seeds = [
    '.',
    ' ',
    '(',
    '"',
    "'a ",
    '`',
    '\n ',
    'a',
    'a-',
    "a'",
    'a ',
    '1,',
    '\n',
    'A',
    '!',
    '“a',
    '([{',
    '?!',
    'ǆ',
  ];
  const startedMs = performance.now();
  for (const seed of seeds) for (const end of ['', 'x', '\n x']) read(seed.repeat(length / seed.length) + end);
  // Quadratic work on any one of them takes longer than this.
  assert.ok(performance.now() - startedMs < 10_000, `${performance.now() - startedMs} ms`);
});

test('a text without words agrees with itself only', () => {
  assert.notEqual(read('???').signatures.content, read('!!!').signatures.content);
  assert.equal(read('???').signatures.exact, read('???').signatures.exact);
});
