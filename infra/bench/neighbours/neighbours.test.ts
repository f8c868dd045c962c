import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Neighbours, neighboursText } from './neighbours.ts';

const run = (beside: Neighbours['beside'], round: number, p99Us: number, refused: number): Neighbours => ({
  ...{ beside, round },
  quiet: { requests: 160, errors: 0, seconds: 8, p50Us: p99Us / 2, p99Us },
  loud: { requests: 100 - refused, errors: refused, seconds: 8, p50Us: 1, p99Us: 1 },
});

test('a team’s latency is compared with that beside the usual load of the same round', () => {
  const text = neighboursText([
    run('its usual load', 1, 100_000, 0),
    run('ten times that', 1, 110_000, 80),
    run('its usual load', 2, 200_000, 0),
    run('ten times that', 2, 240_000, 90),
  ]);
  const [usual, ten] = text.split('\n');
  assert.match(text, /^goal, p99 beside ten times its load less than 1\.2 of the usual: met$/m);
  assert.match(usual ?? '', /p99 150 ms \(1\.00\), 0 errors; 0 % of the other's refused$/);
  assert.match(ten ?? '', /p99 175 ms \(1\.15\), 0 errors; 85 % of the other's refused$/);
});
