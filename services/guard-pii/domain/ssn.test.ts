import assert from 'node:assert/strict';
import { test } from 'node:test';
import { found } from './test-kit.ts';

const numbers: [string, ...string[]][] = [
  ['123-45-6789', '123-45-6789'],
  ['My SSN is 123-45-6789.', '123-45-6789'],
  ['123 45 6789', '123 45 6789'],
  ['123\u201145\u20116789', '123\u201145\u20116789'],
  ['(123-45-6789)', '123-45-6789'],
  ['SSN:123456789', '123456789'],
  ['{"ssn":"123456789"}', '123456789'],
  ['social security number 123456789', '123456789'],
  ['123456789 is her Social Security number', '123456789'],
  ['123-45-6789, 234-56-7890', '123-45-6789', '234-56-7890'],
  ['899-99-9999', '899-99-9999'],
  ['665-01-0001 667-01-0001', '665-01-0001', '667-01-0001'],
];

const others = [
  '000-45-6789',
  '666-45-6789',
  '900-45-6789',
  '999-99-9999',
  '123-00-6789',
  '123-45-0000',
  '123456789',
  'order 123456789',
  'ssn 000456789',
  'ssn 12345678',
  'ssn 1234567890',
  '123-45 6789',
  '123.45.6789',
  '12-345-6789',
  '1-123-45-6789',
  '123-45-6789-1',
  'a123-45-6789',
  '123-45-6789a',
  '100 123 45 6789',
  '123 45 6789 12',
  '2123-45-6789',
  '123-45-67890',
  '123-45-\n6789',
  'assn 123456789',
];

test('social security numbers are found by form and range', () => {
  for (const [text, ...expected] of numbers) assert.deepEqual(found(text, ['ssn']), expected, text);
});

test('numbers never assigned, bare ones and parts of others are none', () => {
  for (const text of others) assert.deepEqual(found(text, ['ssn']), [], text);
});
