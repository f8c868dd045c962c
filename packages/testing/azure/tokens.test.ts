import assert from 'node:assert/strict';
import test from 'node:test';
import { countTokens, sumTokens, textOf, toPieces, truncatePieces } from './tokens.ts';

test('counts as the provider does', async () => {
  assert.equal(await countTokens('What is the capital of France?'), 7);
  assert.equal(await countTokens(''), 0);
  assert.equal(await countTokens('<|endoftext|>'), 7, 'special tokens in a prompt are ordinary text');
});

test('a text that is counted in slices costs what it costs in one piece', async () => {
  const { countTokens: whole } = await import('gpt-tokenizer/encoding/o200k_base');
  const text = 'The quick brown fox, aged 1234, says "grüß dich" to 日本語 speakers.\n'.repeat(6_000);
  assert.ok(text.length > 300_000);
  assert.equal(await countTokens(text), whole(text));
});

test('an unbroken run of letters takes no quadratic time', async () => {
  // Merged as one word, this run would take minutes.
  const run = Array.from({ length: 1_000_000 }, (_, index) => String.fromCharCode(97 + ((index * 7) % 26))).join('');
  const started = performance.now();
  assert.ok((await countTokens(run)) > 100_000);
  assert.ok(performance.now() - started < 10_000);
});

test('pieces hold the text byte for byte and add up to its tokens', async () => {
  for (const text of ['Paris.', 'Grüße 👩‍👩‍👧 日本語', 'word '.repeat(40_000), 'x'.repeat(5_000)]) {
    const pieces = await toPieces(text);
    assert.equal(textOf(pieces), text);
    assert.equal(sumTokens(pieces), await countTokens(text));
  }
});

test('a small answer has a piece a token, a large one a bounded number', async () => {
  assert.equal((await toPieces('The capital of France is Paris.')).length, 7);
  const pieces = await toPieces('word '.repeat(400_000));
  assert.ok(pieces.length > 1_000 && pieces.length < 10_000, String(pieces.length));
});

test('truncation keeps exactly as many tokens as fit', async () => {
  const small = await toPieces('The capital of France is Paris.');
  assert.equal(textOf(await truncatePieces(small, 3)), 'The capital of');
  const large = await toPieces('word '.repeat(40_000));
  assert.equal(sumTokens(await truncatePieces(large, 1_001)), 1_001);
  assert.deepEqual(await truncatePieces(small, 0), []);
});
