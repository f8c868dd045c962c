import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@tollgate/telemetry';
import { upstreamMetrics } from './metrics.ts';

const name = 'tollgate_upstream_unpriced_usage_total';

async function series(metrics: ReturnType<typeof createMetrics>): Promise<Record<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(lines.map((line) => [/kind="(\w+)"/.exec(line)?.[1], Number(line.split(' ').at(-1))]));
}

test('each kind of usage without a price is told from the start, so that the first one is an increase', async () => {
  const metrics = createMetrics('upstream');
  const { unpriced } = upstreamMetrics(metrics, () => 0);
  const none = {
    ...{ service_tier: 0, long_context: 0, cache_write_tokens: 0, audio_prompt_tokens: 0, audio_completion_tokens: 0 },
    ...{ tool_calls: 0, image_tokens: 0, video_tokens: 0, other: 0 },
  };
  assert.deepEqual(await series(metrics), none);
  unpriced('tool_calls.web_search');
  unpriced('from_the_future');
  assert.deepEqual(await series(metrics), { ...none, tool_calls: 1, other: 1 });
});
