import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attempt, Receipt, UsageEvent } from '@tollgate/contracts';
import { mayBeBilled } from './billed.ts';
import { estimateTokens } from './estimate.ts';
import { extensionFor } from './strict.ts';

function row(attempts: number[], receipt: { outputTokensMax?: number; extensions?: number } = { outputTokensMax: 9 }) {
  const of = UsageEvent.decode(new Uint8Array());
  of.receipt = { ...Receipt.decode(new Uint8Array()), ...receipt };
  of.attempts = attempts.map(
    (prompt) => ({ tokens: { prompt, completion: 0, cachedPrompt: 0, reasoning: 0 } }) as Attempt,
  );
  return of;
}

test('another attempt is reserved for beside each that was charged, once', () => {
  assert.equal(extensionFor(row([])), 0);
  assert.equal(extensionFor(row([0, 0])), 0);
  assert.equal(extensionFor(row([5])), 2);
  assert.equal(extensionFor(row([5, 0], { outputTokensMax: 9, extensions: 1 })), 0);
  assert.equal(extensionFor(row([5, 5], { outputTokensMax: 9, extensions: 1 })), 3);
  assert.equal(extensionFor(row([5], {})), 0, 'no strict limit');
});

test('under a strict limit an estimate is never more than was granted: tokens of some texts are long', () => {
  const { receipt } = row([]);
  assert.ok(receipt);
  const of = { ...receipt, estimatedPromptTokens: 300, estimatedCompletionTokens: 20 };
  assert.deepEqual(estimateTokens(of, 900, 4000).completion, 20);
  assert.deepEqual(estimateTokens({ ...of, outputTokensMax: undefined }, 900, 4000).completion, 1000);
});

test('a call that broke before it was answered may be billed when it had left', () => {
  const cut = { kind: 'cut', reason: 'test' } as const;
  const never = () => false;
  assert.equal(mayBeBilled(cut, { sent: true, answering: false, contentSent: false }, never), true);
  assert.equal(mayBeBilled(cut, { sent: false, answering: false, contentSent: false }, never), false);
  const timeout = { kind: 'timeout', stage: 'answer' } as const;
  assert.equal(mayBeBilled(timeout, { sent: true, answering: false, contentSent: false }, never), true);
  assert.equal(
    mayBeBilled({ kind: 'unreachable', reason: 'test' }, { sent: true, answering: false, contentSent: false }, never),
    false,
  );
});
