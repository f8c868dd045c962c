import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigSnapshot } from '@tollgate/config';
import { GuardReply, GuardRequest, type PiiResult } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { GuardResult } from '@tollgate/guard';
import { createMetrics } from '@tollgate/telemetry';
import type { ScanOrder } from '../adapters/scan-messages.ts';
import { mask } from '../domain/mask.ts';
import { regionOf } from '../domain/phone-book.ts';
import { rules } from '../domain/test-kit.ts';
import { PiiCounters } from './counters.ts';
import { Masking } from './masking.ts';

const guardrail = { kind: 'piiMasking', onError: 'refuse', entities: ['email', 'phone'] };
const rotation = { kind: 'modelRotation', onError: 'refuse' };

function snapshot(guardrails: object[]): ConfigSnapshot {
  const proxies = [{ id: 'sample.proxy', context: 'proxy', guardrails }];
  return { revision: 3, providers: [], projects: [{ teams: [], proxies }] } as unknown as ConfigSnapshot;
}

/** A masking service whose threads are counted and answer at once. */
function open(config: { at(revision: number): ConfigSnapshot | Promise<ConfigSnapshot> }) {
  const orders: ScanOrder[] = [];
  const pool = {
    scan: async (order: ScanOrder) => {
      orders.push(order);
      const { id, call } = GuardRequest.decode(order.request);
      const value = mask(call?.$case === 'pii' ? call.value.texts : [], {
        ...rules([...order.kinds]),
        mode: order.mode,
      });
      const reply = GuardReply.encode({ id, result: { $case: 'pii', value } }).finish() as Uint8Array<ArrayBuffer>;
      return { reply, entities: value.entities };
    },
  };
  const metrics = createMetrics('test');
  const counters = new PiiCounters(metrics);
  return { masking: new Masking({ config, pool, regions: [regionOf('US')], counters }), orders, metrics };
}

function request(texts: string[], more: Partial<GuardRequest> = {}): GuardRequest {
  const call = { $case: 'pii' as const, value: { texts } };
  return { id: 5, requestId: 'r', timeoutMs: 1000, revision: 3, proxy: 'sample.proxy', guardrail: 1, call, ...more };
}

function resultOf(result: GuardResult): PiiResult {
  assert.equal(result?.$case, 'pii');
  return (result as { value: PiiResult }).value;
}

const known = { at: () => snapshot([rotation, guardrail]) };

test('a known revision is answered in the same turn, by the settings at its place', async () => {
  const { masking, metrics } = open(known);
  const result = masking.handle(request(['bob@example.com 123-45-6789']), 0);
  assert.ok(!(result instanceof Promise));
  assert.deepEqual(resultOf(result).masked, [{ index: 0, text: '[EMAIL_0000] 123-45-6789' }]);
  assert.match(await metrics.text(), /pii_scans_total\{where="main",service="test"\} 1\n/);
  assert.match(await metrics.text(), /pii_findings_total\{entity="EMAIL",service="test"\} 1\n/);
});

test('a revision that is still on its way is waited for', async () => {
  const { masking } = open({ at: async () => snapshot([rotation, guardrail]) });
  assert.equal(resultOf(await masking.handle(request(['bob@example.com']), 0)).masked.length, 1);
});

test('long texts, and those with many numbers to look at, are scanned in a thread', async () => {
  const { masking, orders } = open(known);
  const long = ['a'.repeat(200 * 1024), `${'b'.repeat(100 * 1024)} bob@example.com`];
  assert.deepEqual(resultOf(await masking.handle(request(long), 0)).entities, { EMAIL: 1 });
  const numbers = Array.from({ length: 300 }, (_, i) => `415-555-${2000 + i}`).join(', ');
  assert.deepEqual(resultOf(await masking.handle(request([numbers]), 0)).entities, { PHONE: 300 });
  assert.equal(orders.length, 2);
});

test('an encoded request goes to the threads as it came', async () => {
  const { masking, orders } = open(known);
  const { call: _, ...envelope } = request([]);
  const bytes = GuardRequest.encode(request(['bob@example.com'])).finish() as Uint8Array<ArrayBuffer>;
  const reply = await masking.handleEncoded(bytes, { ...envelope, call: undefined }, 0);
  assert.equal(orders[0]?.request, bytes);
  assert.deepEqual(orders[0]?.kinds, ['email', 'phone']);
  assert.deepEqual(resultOf(GuardReply.decode(reply).result).entities, { EMAIL: 1 });
});

test('what this build does not know is no decision, never a pass', async () => {
  const secret = 'bob@example.com';
  const cases: [string, object[], Partial<GuardRequest>?][] = [
    ['no piiMasking at 1', [rotation]],
    ['no piiMasking at 0', [rotation, guardrail], { guardrail: 0 }],
    ['no piiMasking', [rotation, guardrail], { proxy: 'other' }],
    ['setting "restore"', [rotation, { ...guardrail, restore: true }]],
    ['mode "guess"', [rotation, { ...guardrail, mode: 'guess' }]],
    ['entity "iban"', [rotation, { ...guardrail, entities: ['email', 'iban'] }]],
    ['asked for cache', [rotation, guardrail], { call: { $case: 'cache', value: {} as never } }],
  ];
  for (const [reason, guardrails, more] of cases) {
    const { masking } = open({ at: () => snapshot(guardrails) });
    assert.throws(
      () => masking.handle(request([secret], more), 0),
      (error: TollgateError) => {
        assert.ok(error instanceof TollgateError);
        assert.equal(error.code, 'guard_unavailable');
        assert.ok(error.internal?.includes(reason), `${error.internal} has not ${reason}`);
        assert.ok(!JSON.stringify(error).includes(secret));
        return true;
      },
    );
  }
});
