import type { Target } from '@tollgate/contracts';
import type { Metrics } from '@tollgate/telemetry';

/** Kinds of usage that providers are known to bill apart; others share one label. Tools and tiers are in the log and the rows. */
const unpricedKinds = new Set([
  'service_tier',
  'long_context',
  'cache_write_tokens',
  'audio_prompt_tokens',
  'audio_completion_tokens',
  'tool_calls',
  'image_tokens',
  'video_tokens',
]);

export interface UpstreamMetrics {
  /** @param outcome ok, cancelled, or whose fault it was */
  attempt(target: Target, outcome: string): void;
  /** @param elapsedMs since this replica took the request */
  firstContent(target: Target, elapsedMs: number): void;
  /** @param usage as costOf names it: `tool_calls.web_search` */
  unpriced(usage: string): void;
  turnedAway(reason: 'late' | 'disowned' | 'repeated' | 'rejected'): void;
  backgroundRun(outcome: 'completed' | 'incomplete' | 'failed' | 'cancelled' | 'lost' | 'handed_back'): void;
}

/** Labels are names of the configuration only, so their number is bounded by it. */
export function upstreamMetrics(metrics: Metrics, running: () => number): UpstreamMetrics {
  metrics.gauge('tollgate_upstream_running', 'Requests owned at this moment', [], (gauge) => gauge.set(running()));
  const attempts = metrics.counter('tollgate_upstream_attempts_total', 'Calls to providers by what came of them', [
    'provider',
    'model',
    'outcome',
  ]);
  const firstContent = metrics.histogram(
    'tollgate_upstream_first_content_seconds',
    'From taking a streamed request to its first content',
    ['provider', 'model'],
  );
  const unpriced = metrics.counter(
    'tollgate_upstream_unpriced_usage_total',
    'Calls whose usage has something that the price list has no price for',
    ['kind'],
  );
  const turnedAway = metrics.counter('tollgate_upstream_turned_away_total', 'Dispatches that were not taken', [
    'reason',
  ]);
  const backgroundRuns = metrics.counter(
    'tollgate_upstream_background_runs_total',
    'Runs of requests in the background by what came of them',
    ['outcome'],
  );
  return {
    attempt: ({ provider, model }, outcome) => attempts.inc({ provider, model, outcome }),
    firstContent: ({ provider, model }, elapsedMs) => firstContent.observe({ provider, model }, elapsedMs / 1000),
    unpriced: (usage) => {
      const [kind = ''] = usage.split('.', 1);
      unpriced.inc({ kind: unpricedKinds.has(kind) ? kind : 'other' });
    },
    turnedAway: (reason) => turnedAway.inc({ reason }),
    backgroundRun: (outcome) => backgroundRuns.inc({ outcome }),
  };
}
