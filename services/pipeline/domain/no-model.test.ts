import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { noModelText } from './no-model.ts';

test('who asks the wrong way is told the right one, and a name is cut', () => {
  assert.match(noModelText('gpt-4o', Surface.MESSAGES, true), /^The model "gpt-4o" is not served on \/messages: /);
  assert.match(noModelText('', Surface.COUNT_TOKENS, true), /^No model of this proxy is served on \/messages: /);
  assert.match(noModelText('claude', Surface.EMBEDDINGS, true), /Models of Anthropic answer on .*\/messages\.$/);
  assert.equal(
    noModelText('x'.repeat(500), Surface.MESSAGES, false),
    `The model "${'x'.repeat(100)}" does not exist here, or this proxy does not offer it.`,
  );
});
