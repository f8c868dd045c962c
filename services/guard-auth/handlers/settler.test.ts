import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageMessage } from '@tollgate/bus';
import type { UsageEvent } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { createMetrics } from '@tollgate/telemetry';
import { ModelMeasures } from '../domain/model-measures.ts';
import type { Settlement } from '../domain/settlement.ts';
import { logger, measured, receipt, startedAtMs, usageEvent } from '../testing/harness.ts';
import { Settler, type SettlerOptions } from './settler.ts';

function settler(change: Partial<SettlerOptions> = {}): { by: Settler; calls: [string, Settlement[]][] } {
  const calls: [string, Settlement[]][] = [];
  const by = new Settler({
    store: {
      settleWatching: async (organizationId, settlements) => {
        calls.push([organizationId, settlements]);
        return [];
      },
    },
    measures: new ModelMeasures(),
    whenBuilt: () => assert.fail('the counters are there'),
    watch: () => [],
    tell: () => assert.fail('there is nothing to tell'),
    logger,
    metrics: createMetrics('test'),
    now: () => startedAtMs,
    ...change,
  });
  return { by, calls };
}

const message = (seq: number, ...events: UsageEvent[]): UsageMessage => ({
  seq,
  redelivered: false,
  batch: { batchId: `b${seq}`, replica: 'owner', events },
});

const of = (id: string, organizationId = 'acme') => measured({ ...receipt(id), organizationId }, 1, 2);

test('one call for each organization, with the sequence of each event', async () => {
  const { by, calls } = settler();
  await by.settle([message(1, of('r1'), of('r2', 'other')), message(2, of('r3'))]);
  assert.deepEqual(
    calls.map(([organizationId, all]) => [organizationId, all.map(({ requestId, seq }) => `${requestId}@${seq}`)]),
    [
      ['acme', ['r1@1', 'r3@2']],
      ['other', ['r2@1']],
    ],
  );
});

test('a call is bounded', async () => {
  const { by, calls } = settler();
  await by.settle([message(1, ...Array.from({ length: 450 }, (_, at) => of(`r${at}`)))]);
  assert.deepEqual(
    calls.map(([, all]) => all.length),
    [200, 200, 50],
  );
});

test('an event that nobody can settle does not keep the others from it', async () => {
  const { by, calls } = settler();
  const broken = { ...usageEvent(receipt('x')), receipt: undefined };
  const negative = measured(receipt('y'), -1, 0);
  await by.settle([message(1, broken, negative, of('r1'))]);
  assert.deepEqual(
    calls[0]?.[1].map(({ requestId }) => requestId),
    ['r1'],
  );
});

test('waits for counters that are not there, and gives the batch back when they stay away', async () => {
  let there = false;
  const waiting = { store: { settleWatching: async () => (there ? [] : undefined) } };
  const patient = settler({
    ...waiting,
    whenBuilt: async () => {
      there = true;
      return true;
    },
  });
  await patient.by.settle([message(1, of('r1'))]);
  there = false;
  const { by } = settler({ ...waiting, whenBuilt: async () => false });
  await assert.rejects(by.settle([message(1, of('r1'))]), (error) => {
    return error instanceof TollgateError && error.code === 'store_unavailable';
  });
});

test('learns each completion once', async () => {
  const measures = new ModelMeasures();
  const { by } = settler({ measures });
  const event = { ...of('r1'), status: 1 as const, model: 'gpt-4o' };
  for (let seq = 1; seq <= 19; seq++) await by.settle([message(seq, event)]);
  await by.settle([{ ...message(20, event), redelivered: true }]);
  assert.equal(measures.completionTokens(['gpt-4o']), undefined);
  await by.settle([message(21, event)]);
  assert.ok((measures.completionTokens(['gpt-4o']) ?? 0) >= 2);
});
