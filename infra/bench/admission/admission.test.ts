import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionText } from './admission.ts';

const run = (perSecond: number, redisUs: number) => ({
  ...{ admissions: 100, perSecond, roundTrips: 1, refused: 0 },
  cpuUs: { 'guard-auth': 100, redis: redisUs },
});

test('tells the medians of the rounds, and each round of a nearly spent budget', () => {
  const spent = {
    mode: 'hard' as const,
    limit: 1000,
    spentBefore: 900,
    spent: 1002,
    admitted: 1,
    refused: 198,
    failed: 1,
    percent: 0.2,
    errorPercent: 0.3,
  };
  const text = admissionText({
    throughput: { one: [run(1000, 20), run(3000, 30), run(2000, 70)] },
    overspend: [spent, { ...spent, mode: 'strict', percent: 0 }],
  });
  assert.match(
    text,
    /^admission, one: 2000\/s by .*, 33333\/s at .* guard-auth 100, Redis 30, 1\.000 round trips .* admission, 0 refused$/m,
  );
  assert.match(
    text,
    /1 admitted, 198 refused, 1 failed, 0\.200 % of the limit; their estimates were 0\.300 % too low$/m,
  );
  assert.match(text, /^overspend, strict, .* 0\.000 % of the limit$/m);
});
