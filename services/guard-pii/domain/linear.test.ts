import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { mask } from './mask.ts';
import { rules } from './test-kit.ts';

const small = 64 * 1024;
const growth = 16;

/** Texts that drive a backtracking or rescanning detector to its knees, of `length` characters. */
const hostile: Record<string, (length: number) => string> = {
  'a@a@a@': repeat('a@'),
  '@@@@': repeat('@'),
  '"@"@"@': repeat('"@'),
  'escaped quotes before @': repeat('\\"@'),
  'a.a@a.a@': repeat('a.a@'),
  'a@a.a.a.a': repeat('a@a.a.a.a.a.a.a.a'),
  'a@a-a-a-a': repeat('a@a-'),
  'a@xn--xn--': repeat('a@xn--'),
  '=a=a=a@': repeat('=a=a=a@'),
  'one long local part': (length) => `${'a'.repeat(length - 12)}@example.com`,
  'one long domain': (length) => `a@${'a.'.repeat(length / 2)}`,
  'é@é@': repeat('é@'),
  '用户@用户@': repeat('用户@'),
  '1-1-1-': repeat('1-'),
  '1 1 1 ': repeat('1 '),
  '1111': repeat('1'),
  '(1(1(1': repeat('(1'),
  '+1+1+1': repeat('+1'),
  '+1-1-1-1-1-1-1-1 ': repeat('+1-1-1-1-1-1-1-1 '),
  '00-1-1-1-1-1-1 ': repeat('00-1-1-1-1-1-1 '),
  '415-555-': repeat('415-555-'),
  '415-555-2671-': repeat('415-555-2671-'),
  '123-45-': repeat('123-45-'),
  'ssn ssn ssn 123456789': repeat('ssn 123456789 '),
  'phone 4155552671': repeat('phone 4155552671 '),
  'order 415-555-2671': repeat('order 415-555-2671 '),
  'x ext ext ext': repeat('415-555-2671 ext '),
  '[EMAIL_0000': (length) => `${'[EMAIL_0000'.repeat(length / 11)} a@example.com`,
  'all different numbers': (length) =>
    Array.from({ length: length / 14 }, (_, i) => `(415) 555-${String((i * 7919) % 10_000).padStart(4, '0')}`).join(),
};

function repeat(unit: string): (length: number) => string {
  return (length) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}

/** Processor time of this thread, microseconds: what other processes do does not count. */
function cost(text: string): number {
  const before = process.threadCpuUsage();
  mask([text], rules(['email', 'phone', 'ssn'], ['US', 'DE', 'ES']));
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

const least = (times: number, measure: () => number) => Math.min(...Array.from({ length: times }, measure));

for (const [name, make] of Object.entries(hostile)) {
  test(`a mebibyte of ${name} costs what its length costs`, () => {
    const few = least(3, () => cost(make(small)));
    // Quadratic growth would be 256 times; 2 ms are the grain of the clock and of a garbage collection.
    const bound = growth * 3 * (few + 2000);
    const text = make(small * growth);
    let many = cost(text);
    if (many > bound) many = least(3, () => cost(text));
    assert.ok(many <= bound, `${few} µs for 64 KiB, ${many} µs for 1 MiB`);
  });
}

test('text without digits and @ costs next to nothing', () => {
  const prose = 'The quick brown fox jumps over the lazy dog. ';
  const plain = least(5, () => cost(prose.repeat(small)));
  const busy = least(5, () => cost(prose.replace('fox', '4 foxes @ home').repeat(small)));
  assert.ok(plain * 2 < busy, `${plain} µs without, ${busy} µs with`);
});
