import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowBounds } from '@tollgate/config';
import { ErrorDetail } from '@tollgate/contracts';
import { renderError, toErrorDetail } from '@tollgate/errors';
import { limit, snapshot } from '../testing/harness.ts';
import { limitsOf } from './limits.ts';
import { planCharges } from './plan.ts';
import { limitRefusal } from './refusal.ts';

test('a year that is used up in January says when it ends, to the millisecond', () => {
  const atMs = Date.UTC(2027, 0, 2, 3, 4, 5, 678);
  const endMs = Date.UTC(2028, 0, 1);
  const need = { promptTokens: 1, completionTokens: 1, guessed: false, costNanoUsd: 2, promptCostNanoUsd: 1 };
  const year = limit({ amount: 1000, window: '1y' });
  const { checks } = planCharges(
    limitsOf(snapshot({ team: [year] }), 'sample.engineering'),
    need,
    { keyId: 'k', user: '', metadata: {} },
    ({ window, timeZone }) => windowBounds(window, timeZone, atMs),
  );
  const [check] = checks;
  assert.ok(check);
  const told = toErrorDetail(limitRefusal({ check, spent: true, freeAtMs: endMs }, atMs));
  const { headers } = renderError(ErrorDetail.decode(ErrorDetail.encode(told).finish()), 'r1');
  assert.equal(headers['retry-after-ms'], String(endMs - atMs));
  assert.equal(headers['retry-after'], String(Math.ceil((endMs - atMs) / 1000)));
  assert.equal(headers['x-should-retry'], 'false');
});
