import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleWith, faultsOf, snapshotOf } from '../fixtures/example.ts';
import { rotationOf } from '../model/resolve-model.ts';
import { parseSnapshot } from '../model/stored.ts';

const ROTATION = 'strategy: round-robin, ';
const hedged = (settings: string) => exampleWith(ROTATION, `${ROTATION}${settings}, `);

test('a rotation is hedged where it says so, one request in twenty unless it says more', () => {
  const hedgeOf = (text: string) => {
    const proxy = parseSnapshot(JSON.stringify(snapshotOf(text))).projects[0]?.proxies[0];
    return proxy && rotationOf(proxy)?.hedge;
  };
  assert.deepEqual(hedgeOf(hedged('hedgeAfterMs: 800')), { afterMs: 800, maxShare: 0.05 });
  assert.deepEqual(hedgeOf(hedged('hedgeAfterMs: 800, hedgeMaxShare: 0.2')), { afterMs: 800, maxShare: 0.2 });
  assert.equal(hedgeOf(hedged('attempts: 2')), undefined);
});

for (const [settings, about] of [
  ['hedgeMaxShare: 0.1', /hedgeMaxShare needs hedgeAfterMs/],
  ['hedgeAfterMs: 800, attempts: 1', /hedgeAfterMs needs two models, and attempts of at least 2/],
  ['hedgeAfterMs: 10', /hedgeAfterMs must be a whole number from 50 to 60000/],
  ['hedgeAfterMs: 800, hedgeMaxShare: 0', /hedgeMaxShare must be above 0/],
  ['hedgeAfterMs: 800, hedgeMaxShare: 0.6', /hedgeMaxShare must be at most 0.5/],
] as const) {
  test(`refused: ${settings}`, () => {
    const faults = faultsOf(hedged(settings));
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', about);
  });
}
