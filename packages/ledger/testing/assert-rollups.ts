import assert from 'node:assert/strict';
import type { LedgerClient } from '../client.ts';

const FIGURES = `sum(prompt_tokens) AS a, sum(completion_tokens) AS b, sum(cached_prompt_tokens) AS c, sum(reasoning_tokens) AS d,
  sum(served_prompt_tokens) AS e, sum(served_completion_tokens) AS f, sum(cost_nano_usd) AS g, sum(saved_nano_usd) AS h`;

/** Every sum of both rollups, by every dimension, against the deduplicated rows. */
export async function assertRollupsEqual(client: LedgerClient): Promise<void> {
  for (const [rollup, events, by] of [
    [
      'usage_hourly',
      'toStartOfHour(started_at)',
      'organization_id, project_id, team_id, provider, model, status, cache_status, organization, project, team',
    ],
    [
      'usage_daily_by_key',
      'toStartOfDay(started_at)',
      'organization_id, project_id, team_id, key_id, model, status, organization, project, team',
    ],
  ] as const) {
    const time = rollup === 'usage_hourly' ? 'hour' : 'day';
    const summed = await client.rows(
      `SELECT toString(${time}) AS time, ${by}, sum(requests) AS n, ${FIGURES} FROM ${rollup} FINAL
       GROUP BY time, ${by} HAVING n > 0 ORDER BY time, ${by}`,
    );
    const real = await client.rows(
      `SELECT toString(toDateTime(${events}, 'UTC')) AS time, ${by}, count() AS n, ${FIGURES} FROM usage
       GROUP BY time, ${by} ORDER BY time, ${by}`,
    );
    assert.ok(real.length > 0);
    assert.deepEqual(summed, real, rollup);
  }
}
