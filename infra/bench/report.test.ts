import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from './measure.ts';
import { besides, median, ratios, summarize, table } from './report.ts';

const run = (contender: string, p50Us: number, requests: number): Run => ({
  contender,
  scenario: 's',
  requests,
  errors: 0,
  seconds: 10,
  p50Us,
  p99Us: p50Us * 2,
  cpuMsPer1000: { a: 5 },
});

test('the median of an even number of values lies between the middle ones', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

test('added latency and ratios are taken round by round', () => {
  const runs = [
    run('upstream alone', 100, 10),
    run('Portkey', 300, 100),
    run('Tollgate', 200, 200),
    run('upstream alone', 1000, 10),
    run('Portkey', 3000, 100),
    run('Tollgate', 1500, 200),
  ];
  const ours = summarize(runs).find(({ contender }) => contender === 'Tollgate');
  assert.equal(ours?.addedP50Ms, (0.1 + 0.5) / 2);
  assert.equal(ratios(runs, 'Tollgate')['s: p50'], (200 / 300 + 0.5) / 2);
  assert.equal(ratios(runs, 'Tollgate')['s: requests/s'], 2);
});

test('what stands beside a load is compared with the load alone, round by round', () => {
  const named = (scenario: string, p50Us: number) => ({ ...run('Tollgate', p50Us, 1), scenario });
  const runs = [
    named('100/s', 10),
    named('100/s beside 4 MiB', 20),
    named('100/s', 100),
    named('100/s beside 4 MiB', 400),
  ];
  assert.deepEqual(besides([...runs, named('500/s', 1)], 'Tollgate', '100/s'), { '100/s beside 4 MiB': 3 });
});

test('the table has a row for each contender, its columns below their headings', () => {
  const waiting = { ...run('Tollgate', 2500, 1000), errors: 3 };
  const lines = table(summarize([run('upstream alone', 500, 1000), waiting])).split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(/ {2,}/).map((cell) => cell.trim())),
    [
      ['scenario', 'gateway', 'req/s', 'errors', 'p50 ms', 'p99 ms', '+p50', '+p99', 'CPU ms/1,000'],
      ['s', 'upstream alone', '100', '0', '0.50', '1.00', '0.00', '0.00', '5'],
      ['s', 'Tollgate', '100', '3', '2.50', '5.00', '2.00', '4.00', '5'],
    ],
  );
  assert.equal(new Set(lines.map(({ length }) => length)).size, 1);
});
