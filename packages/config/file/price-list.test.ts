import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import { exampleText, exampleWith, faultsOf, lineWith, snapshotOf } from '../fixtures/example.ts';
import { parseConfigFile, referredFiles } from './parse.ts';
import { resolveConfig } from './resolve.ts';

const entry = '{ prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }';
const withEntry = (text: string) => exampleWith(`gpt-4o: ${entry}`, `gpt-4o: ${text}`);

test('every price that there is', () => {
  const text = withEntry(`
    prompt: 2.5
    cachedPrompt: 1.25
    cacheWrite: 3.125
    completion: 10
    reasoning: 12
    audioPrompt: 40
    audioCompletion: 80
    toolCalls: { web_search: 10, code_interpreter: 30 }
    longContext: { abovePromptTokens: 272000, prompt: 5, completion: 15 }
    serviceTiers:
      flex: { prompt: 1.25, completion: 5, longContext: { abovePromptTokens: 272000, prompt: 2.5, completion: 7.5 } }`);
  assert.deepEqual(snapshotOf(text).prices['gpt-4o'], {
    promptNanoPerMillion: 2_500_000_000,
    cachedPromptNanoPerMillion: 1_250_000_000,
    cacheWriteNanoPerMillion: 3_125_000_000,
    completionNanoPerMillion: 10_000_000_000,
    reasoningNanoPerMillion: 12_000_000_000,
    audioPromptNanoPerMillion: 40_000_000_000,
    audioCompletionNanoPerMillion: 80_000_000_000,
    toolCallsNanoPerThousand: { web_search: 10_000_000_000, code_interpreter: 30_000_000_000 },
    longContext: {
      abovePromptTokens: 272_000,
      promptNanoPerMillion: 5_000_000_000,
      cachedPromptNanoPerMillion: 5_000_000_000,
      completionNanoPerMillion: 15_000_000_000,
    },
    serviceTiers: {
      flex: {
        promptNanoPerMillion: 1_250_000_000,
        cachedPromptNanoPerMillion: 1_250_000_000,
        completionNanoPerMillion: 5_000_000_000,
        longContext: {
          abovePromptTokens: 272_000,
          promptNanoPerMillion: 2_500_000_000,
          cachedPromptNanoPerMillion: 2_500_000_000,
          completionNanoPerMillion: 7_500_000_000,
        },
      },
    },
  });
});

for (const [text, about] of [
  ['{ prompt: 1, completion: 1, audio: 1 }', /priceList\.gpt-4o\.audio is not a setting here; known are prompt/],
  ['{ prompt: 1, completion: 1, cacheWrite: -1 }', /gpt-4o\.cacheWrite must not be negative/],
  [
    '{ prompt: 1, completion: 1, longContext: { prompt: 1, completion: 1 } }',
    /longContext\.abovePromptTokens is missing/,
  ],
  [
    '{ prompt: 1, completion: 1, longContext: { abovePromptTokens: 9, prompt: 1 } }',
    /longContext\.completion is missing/,
  ],
  ['{ prompt: 1, completion: 1, serviceTiers: { flex: { prompt: 1 } } }', /serviceTiers\.flex\.completion is missing/],
  [
    '{ prompt: 1, completion: 1, serviceTiers: { default: { prompt: 1, completion: 1 } } }',
    /serviceTiers\.default is what the model's own/,
  ],
  ['{ prompt: 1, completion: 1, toolCalls: { Web Search: 1 } }', /toolCalls\.Web Search must be 1 to 64/],
  [
    '{ prompt: 1, completion: 1, toolCalls: { web_search: "1" } }',
    /web_search must be a number of US dollars for a thousand/,
  ],
  ['2.5', /priceList\.gpt-4o must be a group of settings/],
] as const) {
  test(`a fault: ${text}`, () => {
    const faults = faultsOf(withEntry(text));
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', about);
  });
}

test('a base model that could be none is a fault', () => {
  assert.match(faultsOf(exampleWith('  gpt-4o:', '  "a/b":')).join(), /priceList\.a\/b must be 1 to 128/);
});

test('a declared fallback is the price of what has none, and a warning names those', () => {
  const text = exampleWith(`  gpt-4o: ${entry}`, '  fallback: { prompt: 20, completion: 80 }');
  const { fallbackPrice, prices, warnings } = snapshotOf(text);
  assert.equal(fallbackPrice?.completionNanoPerMillion, 80_000_000_000);
  assert.deepEqual(Object.keys(prices), ['gpt-4o-mini']);
  assert.deepEqual(warnings, [
    'Provider azure-openai: gpt-4o has no price of its own and is charged by priceList.fallback.',
  ]);
  assert.notEqual(
    snapshotOf(text.replace('prompt: 20', 'prompt: 21')).priceListVersion,
    snapshotOf(text).priceListVersion,
  );
});

const priceFile = `gpt-4o: ${entry}\ngpt-4o-mini: { prompt: 0.15, completion: 0.60 }\n`;
const withFile = exampleText.replace(/priceList:[\s\S]*?(?=providers:)/, 'priceList:\n  file: prices.yaml\n');
const resolved = (text: string, files: Record<string, string>) => resolveConfig(parseConfigFile(text, files), 1, 0);

function faultsWith(text: string, files: Record<string, string>): string[] {
  try {
    resolved(text, files);
    return [];
  } catch (error) {
    assert.ok(error instanceof TollgateError, String(error));
    return error.message.split('\n').slice(1);
  }
}

test('a file has the prices, by the same rules; what stands in the configuration wins', () => {
  assert.deepEqual(referredFiles(withFile), ['prices.yaml']);
  assert.deepEqual(referredFiles(exampleText), []);
  const { prices } = resolved(withFile, { 'prices.yaml': priceFile });
  assert.equal(prices['gpt-4o']?.promptNanoPerMillion, 2_500_000_000);
  const own = withFile.replace('prices.yaml', 'prices.yaml\n  gpt-4o: { prompt: 2, completion: 9 }');
  const both = resolved(own, { 'prices.yaml': `${priceFile}fallback: { prompt: 9, completion: 9 }` });
  assert.equal(both.prices['gpt-4o']?.completionNanoPerMillion, 9_000_000_000);
  assert.equal(both.prices['gpt-4o-mini']?.completionNanoPerMillion, 600_000_000);
  assert.equal(both.fallbackPrice?.promptNanoPerMillion, 9_000_000_000);
});

test('a list may have more than is offered: the revision keeps what it needs, and its version follows that', () => {
  const more = { 'prices.yaml': `${priceFile}gpt-9: { prompt: 1, completion: 1 }\n` };
  const snapshot = resolved(withFile, more);
  assert.deepEqual(Object.keys(snapshot.prices), ['gpt-4o', 'gpt-4o-mini']);
  assert.equal(snapshot.priceListVersion, resolved(withFile, { 'prices.yaml': priceFile }).priceListVersion);
});

test('faults of the file are told with its name and line, together with those of the configuration', () => {
  const bad = priceFile.replace('prompt: 0.15', 'prompt: x').replace('completion: 10.00', 'completion: -1');
  const faults = faultsWith(withFile.replace('window: 1d', 'window: never'), { 'prices.yaml': bad });
  assert.equal(faults.length, 3, faults.join('\n'));
  assert.match(faults[0] ?? '', new RegExp(`^- line ${lineWith(withFile, 'window: 1d')}: projects.*window`));
  assert.match(faults[1] ?? '', /^- prices\.yaml, line 1: gpt-4o\.completion must not be negative/);
  assert.match(faults[2] ?? '', /^- prices\.yaml, line 2: gpt-4o-mini\.prompt must be a number/);
  assert.match(faultsWith(withFile, { 'prices.yaml': 'a: [' }).join(), /^- prices\.yaml, line 1: /);
  assert.match(
    faultsWith(withFile, { 'prices.yaml': 'file: other.yaml' }).join(),
    /prices\.yaml, line 1: file names a file inside a file/,
  );
});

test('a model that neither has is a fault, and so is a file that was not sent', () => {
  const faults = faultsWith(withFile, { 'prices.yaml': `gpt-4o: ${entry}` });
  assert.equal(faults.length, 1);
  assert.match(
    faults[0] ?? '',
    /models\[1\] has no price: add gpt-4o-mini to priceList, .* or declare priceList\.fallback/,
  );
  const missing = faultsWith(withFile, { 'other.yaml': priceFile });
  assert.match(missing.join(), /^- line \d+: priceList\.file names a file whose text was not sent along/);
});
