import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Webhook } from '@tollgate/config';
import { limitEvent } from '../testing/limit-event.ts';
import { isTold } from './webhook-match.ts';

const webhook = (change: Partial<Webhook> = {}): Webhook => ({
  ...{ name: 'w', scope: 'team', scopeId: 'sample.engineering', url: 'https://a.example', format: 'json' },
  ...{ refusals: true, insecure: false },
  ...change,
});

const ofTeam = limitEvent();
const ofProject = limitEvent({ scope: 'project', scopeId: 'sample', teamId: '', team: '' });
const ofOrganization = limitEvent({ scope: 'organization', teamId: '', projectId: '', scopeId: 'acme' });

test('a receiver is told of its own scope and of what is below it, of nobody else', () => {
  for (const [scope, scopeId, told] of [
    ['organization', 'acme', [true, true, true]],
    ['organization', 'other', [false, false, false]],
    ['project', 'sample', [true, true, false]],
    ['project', 'other', [false, false, false]],
    ['team', 'sample.engineering', [true, false, false]],
    ['team', 'sample.product', [false, false, false]],
  ] as const) {
    const of = webhook({ scope, scopeId });
    assert.deepEqual(
      [ofTeam, ofProject, ofOrganization].map((event) => isTold(of, event)),
      told,
      `${scope} ${scopeId}`,
    );
  }
});

test('only of the thresholds that it names, of refusals unless it says no, of shadow limits never', () => {
  const refused = limitEvent({ kind: 'refused', percent: 0 });
  assert.equal(isTold(webhook({ thresholds: [100] }), ofTeam), false);
  assert.equal(isTold(webhook({ thresholds: [80, 100] }), ofTeam), true);
  assert.equal(isTold(webhook({ thresholds: [] }), refused), true);
  assert.equal(isTold(webhook({ refusals: false }), refused), false);
  assert.equal(isTold(webhook(), limitEvent({ mode: 'shadow' })), false);
  assert.equal(isTold(webhook(), limitEvent({ kind: 'something-newer' })), false);
});
