import assert from 'node:assert/strict';
import { test } from 'node:test';
import { held, reportText } from '../soak/run/report.ts';
import { soak } from '../soak/run/soak.ts';

// The short form of `npm run test:faults`: everybody is killed once under load, on a system of its own; then the books are compared.

const seed = 4;

test('after kills of every service and engine the books are right', { timeout: 600_000 }, async (context) => {
  const say = (line: string) => context.diagnostic(line);
  const report = await soak({ seed, requests: 400, kills: 13, rate: 15, gapMs: 200, say });
  for (const line of reportText(report).split('\n')) say(line);
  assert.ok(held(report), reportText(report));
});
