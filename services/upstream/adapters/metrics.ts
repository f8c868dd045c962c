import type { Target } from '@tollgate/contracts';
import type { Metrics } from '@tollgate/telemetry';

/** Token kinds that providers are known to bill apart; others share one label. */
const unpricedKinds = new Set(['audio_tokens', 'image_tokens', 'video_tokens']);

export interface UpstreamMetrics {
  /** @param outcome ok, cancelled, or whose fault it was */
  attempt(target: Target, outcome: string): void;
  /** @param elapsedMs since this replica took the request */
  firstContent(target: Target, elapsedMs: number): void;
  unpriced(names: readonly string[]): void;
  turnedAway(reason: 'late' | 'disowned' | 'repeated' | 'rejected'): void;
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
    'Answers whose usage has tokens that the price list does not price apart',
    ['kind'],
  );
  const turnedAway = metrics.counter('tollgate_upstream_turned_away_total', 'Dispatches that were not taken', [
    'reason',
  ]);
  return {
    attempt: ({ provider, model }, outcome) => attempts.inc({ provider, model, outcome }),
    firstContent: ({ provider, model }, elapsedMs) => firstContent.observe({ provider, model }, elapsedMs / 1000),
    unpriced: (names) => {
      for (const name of names) unpriced.inc({ kind: unpricedKinds.has(name) ? name : 'other' });
    },
    turnedAway: (reason) => turnedAway.inc({ reason }),
  };
}
