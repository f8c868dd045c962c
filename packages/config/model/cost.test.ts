import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, exampleWith, snapshotOf } from '../fixtures/example.ts';
import { costOf, type Usage } from './cost.ts';
import { type ModelPrice, modelPrice, modelPrices } from './model-price.ts';

/** The price of gpt-4o in the example with this entry for it, and these settings of the list beside. */
function priced(entry: string, list = ''): ModelPrice {
  const text = exampleWith(
    '  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }',
    `${list}\n  gpt-4o: ${entry}`,
  );
  return modelPrice(snapshotOf(text), 'gpt-4o') ?? assert.fail('no price');
}

type Tokens = Partial<Usage['tokens']>;

const usage = (tokens: Tokens, more: Partial<Usage> = {}): Usage => ({
  tokens: { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0, ...tokens },
  serviceTier: '',
  toolCalls: {},
  ...more,
});

const cost = (price: ModelPrice, tokens: Tokens, more?: Partial<Usage>) => costOf(price, usage(tokens, more));
const nano = (price: ModelPrice, tokens: Tokens, more?: Partial<Usage>) => {
  const { nanoUsd, unpriced } = cost(price, tokens, more);
  assert.deepEqual(unpriced, []);
  return nanoUsd;
};

const gpt4o = priced('{ prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }');

test('a million tokens cost what the price list says', () => {
  assert.equal(nano(gpt4o, { prompt: 1_000_000 }), 2_500_000_000);
  assert.equal(nano(gpt4o, { completion: 1_000_000 }), 10_000_000_000);
});

test('cached tokens are part of the prompt', () => {
  assert.equal(nano(gpt4o, { prompt: 1000, cachedPrompt: 400 }), 600 * 2500 + 400 * 1250);
  // More cached than there are in all: a provider's mistake must not make the rest negative.
  assert.equal(nano(gpt4o, { prompt: 100, cachedPrompt: 400 }), 100 * 1250);
});

const everyKind = priced(
  '{ prompt: 2, cachedPrompt: 1, cacheWrite: 3, audioPrompt: 40, completion: 10, reasoning: 12, audioCompletion: 80, toolCalls: { web_search: 10, file_search: 2.5 } }',
);
const toolCalls = { web_search: 3, file_search: 2 };

test('every kind of token has its price, every token is charged once', () => {
  const tokens = { prompt: 100, cachedPrompt: 20, cacheWritePrompt: 30, audioPrompt: 10 };
  assert.equal(nano(everyKind, tokens), 40 * 2000 + 20 * 1000 + 30 * 3000 + 10 * 40_000);
  assert.equal(
    nano(everyKind, { completion: 50, reasoning: 20, audioCompletion: 5 }),
    25 * 10_000 + 20 * 12_000 + 5 * 80_000,
  );
  // Parts that overlap: audio first, then what was written, then what was read.
  assert.equal(
    nano(everyKind, { prompt: 10, cachedPrompt: 10, cacheWritePrompt: 6, audioPrompt: 6 }),
    6 * 40_000 + 4 * 3000,
  );
  assert.equal(nano(everyKind, { completion: 10, reasoning: 10, audioCompletion: 4 }), 4 * 80_000 + 6 * 12_000);
});

test('reasoning costs as the completion where it has no price, and that is no surprise', () => {
  assert.equal(nano(gpt4o, { completion: 50, reasoning: 20 }), 50 * 10_000);
});

test('calls of tools are priced by the thousand', () => {
  assert.equal(nano(everyKind, {}, { toolCalls }), 3 * 10_000_000 + 2 * 2_500_000);
  assert.equal(nano(everyKind, {}, { toolCalls: { web_search: 0 } }), 0);
});

test('above its bound a long context prices all of the request', () => {
  const price = priced(
    '{ prompt: 1, completion: 4, longContext: { abovePromptTokens: 200, prompt: 2, cachedPrompt: 0.5, completion: 6 } }',
  );
  assert.equal(nano(price, { prompt: 200, completion: 1 }), 200 * 1000 + 4000);
  assert.equal(nano(price, { prompt: 201, cachedPrompt: 1, completion: 1 }), 200 * 2000 + 500 + 6000);
});

test('the tier that the answer names has its own row, and its own long context', () => {
  const price = priced(`{ prompt: 2, completion: 8, longContext: { abovePromptTokens: 100, prompt: 4, completion: 12 },
    serviceTiers: { flex: { prompt: 1, completion: 4, longContext: { abovePromptTokens: 100, prompt: 2, completion: 6 } }, priority: { prompt: 5, completion: 20 } } }`);
  for (const serviceTier of ['', 'default', 'auto', 'standard']) {
    assert.equal(nano(price, { prompt: 10, completion: 1 }, { serviceTier }), 28_000, serviceTier);
  }
  assert.equal(nano(price, { prompt: 10, completion: 1 }, { serviceTier: 'flex' }), 14_000);
  assert.equal(nano(price, { prompt: 101 }, { serviceTier: 'flex' }), 101 * 2000);
  assert.equal(nano(price, { prompt: 10, completion: 1 }, { serviceTier: 'priority' }), 70_000);
  assert.deepEqual(cost(price, { prompt: 101 }, { serviceTier: 'priority' }), {
    nanoUsd: 101 * 4000,
    unpriced: ['long_context'],
  });
});

test('what has no price is told and charged as ordinary tokens of its side, never as nothing', () => {
  const tokens = { prompt: 30, cacheWritePrompt: 10, audioPrompt: 10, completion: 20, audioCompletion: 10 };
  assert.deepEqual(cost(gpt4o, tokens, { serviceTier: 'priority', toolCalls: { web_search: 2 } }), {
    nanoUsd: 30 * 2500 + 20 * 10_000 + 2 * 25_000_000,
    unpriced: [
      'service_tier.priority',
      'audio_prompt_tokens',
      'cache_write_tokens',
      'audio_completion_tokens',
      'tool_calls.web_search',
    ],
  });
});

const fallback =
  '  fallback: { prompt: 20, cacheWrite: 25, audioPrompt: 100, completion: 80, audioCompletion: 200, toolCalls: { web_search: 30 }, serviceTiers: { priority: { prompt: 40, completion: 160 } } }';

test('a declared fallback is what the unpriced is charged', () => {
  const price = priced('{ prompt: 2.50, completion: 10.00 }', fallback);
  const tokens = { prompt: 30, cacheWritePrompt: 10, audioPrompt: 10, completion: 20, audioCompletion: 10 };
  const { nanoUsd, unpriced } = cost(price, tokens, { toolCalls: { web_search: 1, code_interpreter: 1 } });
  const tools = 30_000_000 + 25_000_000;
  assert.equal(nanoUsd, 10 * 2500 + 10 * 25_000 + 10 * 100_000 + 10 * 10_000 + 10 * 200_000 + tools);
  assert.equal(unpriced.length, 5);
  assert.deepEqual(cost(price, { prompt: 10 }, { serviceTier: 'priority' }), {
    nanoUsd: 400_000,
    unpriced: ['service_tier.priority'],
  });
});

test('a model without a price is charged the fallback, whole, and it is told', () => {
  const snapshot = snapshotOf(
    exampleWith('  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }', fallback),
  );
  const price = modelPrice(snapshot, 'gpt-4o') ?? assert.fail();
  assert.deepEqual(cost(price, { prompt: 10, completion: 1 }), { nanoUsd: 280_000, unpriced: ['model'] });
  assert.equal(modelPrices(snapshot).length, 2, 'of gpt-4o-mini and the fallback');
});

test('prices are compiled once a revision', () => {
  const snapshot = snapshotOf(exampleText);
  assert.equal(modelPrice(snapshot, 'gpt-4o'), modelPrice(snapshot, 'gpt-4o'));
  assert.equal(modelPrice(snapshot, 'gpt-4o'), modelPrices(snapshot)[0]);
  assert.equal(modelPrice(snapshot, 'unknown'), undefined);
});

/** A price whose rates are these nano-dollars for a million tokens. */
function rates(prompt: number, completion = prompt): ModelPrice {
  const row = { ...gpt4o.standard.row, prompt, cachedPrompt: prompt, completion, reasoning: completion };
  return { ...gpt4o, standard: { row, long: undefined } };
}

test('it is rounded once, half up', () => {
  assert.equal(nano(rates(499_999), { prompt: 1 }), 0);
  assert.equal(nano(rates(500_000), { prompt: 1 }), 1);
  assert.equal(nano(rates(250_000), { prompt: 1, completion: 1 }), 1);
  assert.equal(nano(rates(1_499_999), { prompt: 1 }), 1);
});

test('it is exact where floating point is not, and bounded', () => {
  assert.equal(nano(rates(99_999_999_999_999), { prompt: 77_777_777 }), 7_777_777_699_999_922);
  assert.equal(nano(rates(99_999_999_999_999), { prompt: 1_000_000_000_000 }), Number.MAX_SAFE_INTEGER);
  assert.equal(nano(rates(100_000_000_000_000), { prompt: Number.MAX_SAFE_INTEGER }), Number.MAX_SAFE_INTEGER);
});

/** Numbers that a seed repeats: whole, over all magnitudes up to `max`. */
function random(seed: number) {
  let state = seed;
  const next = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
  return (max: number) => Math.floor(next() * 2 ** (next() * Math.log2(max + 1)));
}

test('whatever the figures: the exact sum, rounded half up, never less than nothing, never more than its bound', () => {
  const upTo = random(20_261_125);
  for (let round = 0; round < 20_000; round++) {
    const row = { ...gpt4o.standard.row };
    for (const kind of [
      'prompt',
      'cachedPrompt',
      'cacheWrite',
      'audioPrompt',
      'completion',
      'reasoning',
      'audioCompletion',
    ] as const)
      row[kind] = upTo(1e14);
    const searchRate = upTo(1e14);
    const price = { ...gpt4o, standard: { row, long: undefined }, toolCalls: new Map([['web_search', searchRate]]) };
    const most = round % 2 === 0 ? 1e6 : Number.MAX_SAFE_INTEGER;
    const [plain, cachedPrompt, cacheWritePrompt, audioPrompt] = [
      upTo(most / 4),
      upTo(most / 4),
      upTo(most / 4),
      upTo(most / 4),
    ];
    const [written, reasoning, audioCompletion] = [upTo(most / 4), upTo(most / 4), upTo(most / 4)];
    const searches = upTo(0xffff_ffff);
    const tokens = {
      prompt: plain + cachedPrompt + cacheWritePrompt + audioPrompt,
      completion: written + reasoning + audioCompletion,
      ...{ cachedPrompt, cacheWritePrompt, audioPrompt, reasoning, audioCompletion },
    };
    const { nanoUsd } = costOf(price, usage(tokens, { toolCalls: { web_search: searches } }));
    const terms: [number, number][] = [
      [plain, row.prompt],
      [cachedPrompt, row.cachedPrompt],
      [cacheWritePrompt, row.cacheWrite],
      [audioPrompt, row.audioPrompt],
      [written, row.completion],
      [reasoning, row.reasoning],
      [audioCompletion, row.audioCompletion],
    ];
    const millionths = terms.reduce((sum, [count, rate]) => sum + BigInt(count) * BigInt(rate), 0n);
    const all = millionths + BigInt(searches) * BigInt(searchRate) * 1000n;
    const exact = (all + 500_000n) / 1_000_000n;
    const bounded = exact > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : exact;
    assert.equal(BigInt(nanoUsd), bounded, JSON.stringify({ tokens, row, searches, searchRate }));
  }
});
