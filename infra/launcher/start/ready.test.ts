import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaStatus } from '../supervisor/replica.ts';
import { gatewayReady } from './ready.ts';

const replica = (name: string, ready: boolean): ReplicaStatus => ({
  ...{ name, replica: `${name}-1`, pid: 1, ready, address: null, health: null, restarts: 0 },
});

test('the gateway answers without the ledger and the console, and without nothing else', () => {
  assert.equal(gatewayReady([replica('ingress', true), replica('analytics', false), replica('console', false)]), true);
  assert.equal(gatewayReady([replica('ingress', true), replica('guard-pii', false)]), false);
});
