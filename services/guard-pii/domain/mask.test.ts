import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mask } from './mask.ts';
import { ScanTooCostly } from './phone-book.ts';
import { found, rules } from './test-kit.ts';

test('the same value has the same placeholder in all texts, however it is written', () => {
  const { masked, entities, originals, refusal } = mask(
    [
      'You are helpful.',
      'Mail bob@example.com or alice@example.com, call (415) 555-2671. My SSN: 123-45-6789',
      'Bob@Example.com is +1 415-555-2671, 123 45 6789; +1 415 555 2672',
    ],
    rules(),
  );
  assert.deepEqual(masked, [
    { index: 1, text: 'Mail [EMAIL_0000] or [EMAIL_0001], call [PHONE_0000]. My SSN: [SSN_0000]' },
    { index: 2, text: '[EMAIL_0000] is [PHONE_0000], [SSN_0000]; [PHONE_0001]' },
  ]);
  assert.deepEqual(entities, { EMAIL: 3, PHONE: 3, SSN: 2 });
  assert.deepEqual(originals, {});
  assert.equal(refusal, undefined);
});

test('redacted, a value leaves nothing, not even that two were the same', () => {
  const texts = ['bob@example.com, Bob@example.com and 123-45-6789', '[EMAIL_0000]'];
  const { masked, entities } = mask(texts, { ...rules(), mode: 'redact' });
  assert.deepEqual(masked, [{ index: 0, text: '*****, ***** and *****' }]);
  assert.deepEqual(entities, { EMAIL: 2, SSN: 1 });
});

test('blocked, the refusal names what was found and not what it was', () => {
  const { masked, entities, refusal } = mask(['123-45-6789', 'bob@example.com'], { ...rules(), mode: 'block' });
  assert.deepEqual(masked, []);
  assert.deepEqual(entities, { SSN: 1, EMAIL: 1 });
  assert.equal(refusal?.code, 'guardrail_intervened');
  assert.match(refusal.message, /\(EMAIL, SSN\)/);
  assert.doesNotMatch(refusal.message, /bob|6789/);
  assert.equal(mask(['nothing here, 2026'], { ...rules(), mode: 'block' }).refusal, undefined);
});

test('only what the guardrail names is masked', () => {
  const text = 'bob@example.com 415-555-2671 123-45-6789';
  assert.equal(mask([text], rules(['email'])).masked[0]?.text, '[EMAIL_0000] 415-555-2671 123-45-6789');
  assert.equal(mask([text], rules(['phone'])).masked[0]?.text, 'bob@example.com [PHONE_0000] 123-45-6789');
  assert.equal(mask([text], rules(['ssn'])).masked[0]?.text, 'bob@example.com 415-555-2671 [SSN_0000]');
});

test('a placeholder never means what a caller wrote in brackets', () => {
  const { masked } = mask(['[EMAIL_0000] and [email_0002]', 'a@example.com b@example.com c@example.com'], rules());
  assert.deepEqual(masked, [{ index: 1, text: '[EMAIL_0001] [EMAIL_0003] [EMAIL_0004]' }]);
});

test('counters go on in hex, beyond four digits too', () => {
  const texts = [Array.from({ length: 0x1_0001 }, (_, i) => `user${i}@example.com`).join(' ')];
  const text = mask(texts, rules(['email'])).masked[0]?.text ?? '';
  assert.ok(text.startsWith('[EMAIL_0000] [EMAIL_0001] '));
  assert.ok(text.includes(' [EMAIL_000f] [EMAIL_0010] '));
  assert.ok(text.endsWith(' [EMAIL_ffff] [EMAIL_10000]'));
});

test('numbers within an address belong to it', () => {
  const text = '415-555-2671 x 4155552671@example.com and 123-45-6789@example.com, 123-45-6789';
  assert.deepEqual(found(text), ['415-555-2671', '4155552671@example.com', '123-45-6789@example.com', '123-45-6789']);
});

test('findings at the edges and side by side leave the rest as it was', () => {
  const { masked } = mask(['a@example.com\u0000\ud83d\ude00\ud800b@example.com'], rules());
  assert.deepEqual(masked, [{ index: 0, text: '[EMAIL_0000]\u0000\ud83d\ude00\ud800[EMAIL_0001]' }]);
});

test('no texts, empty texts, and texts without findings give nothing back', () => {
  assert.deepEqual(mask([], rules()).masked, []);
  assert.deepEqual(mask(['', 'plain', 'in 2026 I paid $3.50 @ noon'], rules()).masked, []);
});

test('a scan that would cost too much on the main thread says so', () => {
  const text = Array.from({ length: 50 }, (_, i) => `415-555-${2000 + i}`).join(', ');
  assert.equal(mask([text], rules(), 50).entities.PHONE, 50);
  assert.throws(() => mask([text], rules(), 49), ScanTooCostly);
});
