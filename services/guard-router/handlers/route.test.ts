import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import type { RouteResult } from '@tollgate/contracts';
import { createLogger } from '@tollgate/telemetry';
import type { RotationStore, Turn } from '../adapters/rotation-store.ts';
import { Router } from './route.ts';

const nowMs = 1_700_000_000_000;
const demo = readFileSync(new URL('../../../packages/config/fixtures/example.yaml', import.meta.url), 'utf8');
const snapshot = resolveConfig(parseConfigFile(demo), 1, nowMs);

/** What the router says when the store answers with `turn`, or (undefined) is away. */
async function route(...turns: (Turn | undefined)[]): Promise<RouteResult[]> {
  const results: RouteResult[] = [];
  const next = async () => turns[results.length] ?? Promise.reject(new Error('away'));
  const router = new Router({
    config: { at: () => snapshot },
    store: { next } as unknown as RotationStore,
    bound: { route: () => assert.fail('nothing here is bound') },
    logger: createLogger({ service: 'test', replica: 'test', level: 'silent' }),
    now: () => nowMs,
    onStoreFault: () => {},
  });
  while (results.length < turns.length) {
    const result = await router.handle({
      id: 0,
      requestId: 'r',
      timeoutMs: 1000,
      revision: 1,
      proxy: 'sample-project.enterprise-llm-proxy',
      guardrail: 2,
      call: { $case: 'route', value: { model: '', startedAtMs: nowMs } },
    });
    assert.equal(result.$case, 'route');
    results.push(result.value as RouteResult);
  }
  return results;
}

const healthy = { untilMs: 0, probedUntilMs: 0 };
const restingFor = (ms: number) => ({ untilMs: nowMs + ms, probedUntilMs: 0 });
const models = ({ targets }: RouteResult) => targets.map(({ model }) => model);

test('the model whose turn it is, then its failovers', async () => {
  const [first, second] = await route(
    { position: 0, probe: false, standings: [healthy, healthy] },
    { position: 1, probe: false, standings: [healthy, healthy] },
  );
  assert.deepEqual(models(first as RouteResult), ['gpt-4o', 'gpt-4o-mini']);
  assert.deepEqual(models(second as RouteResult), ['gpt-4o-mini', 'gpt-4o']);
});

test('all suspended: all_models_suspended, with the soonest moment at which one is tried again', async () => {
  const [result] = await route({ position: -1, probe: false, standings: [restingFor(30_000), restingFor(20_000)] });
  assert.equal(result?.refusal?.code, 'all_models_suspended');
  assert.equal(result?.refusal?.retryAfterMs, 20_000);
});

test('without the store: the last that it said counts on', async () => {
  const resting: Turn = { position: -1, probe: false, standings: [restingFor(30_000), restingFor(20_000)] };
  const turn: Turn = { position: 0, probe: false, standings: [healthy, restingFor(20_000)] };
  const [, suspended] = await route(resting, undefined);
  assert.equal(suspended?.refusal?.code, 'all_models_suspended');
  const [, alone] = await route(turn, undefined);
  assert.deepEqual(models(alone as RouteResult), ['gpt-4o']);
});
