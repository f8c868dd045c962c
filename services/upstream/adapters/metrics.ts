import type { Target } from '@tollgate/contracts';
import type { Metrics } from '@tollgate/telemetry';
import type { Standing } from './key-source.ts';

const otherKind = 'other';
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
  otherKind,
]);

/** Second calls beside silent first ones: made, beyond the share, without room in a limit, or nobody could say whether there is. */
export type HedgeOutcome = 'sent' | 'over_share' | 'refused' | 'uncovered';

export interface UpstreamMetrics {
  /** @param outcome ok, cancelled, or whose fault it was */
  attempt(target: Target, outcome: string): void;
  /** @param elapsedMs since this replica took the request */
  firstContent(target: Target, elapsedMs: number): void;
  /** @param usage as costOf names it: `tool_calls.web_search` */
  unpriced(usage: string): void;
  hedge(outcome: HedgeOutcome): void;
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
  // From the start at 0: of a series that begins at 1 no increase is seen, so the first call would raise no alert.
  for (const kind of unpricedKinds) unpriced.inc({ kind }, 0);
  const turnedAway = metrics.counter('tollgate_upstream_turned_away_total', 'Dispatches that were not taken', [
    'reason',
  ]);
  const hedges = metrics.counter(
    'tollgate_upstream_hedges_total',
    'Requests whose first call was silent for too long, by whether there was a second',
    ['outcome'],
  );
  const backgroundRuns = metrics.counter(
    'tollgate_upstream_background_runs_total',
    'Runs of requests in the background by what came of them',
    ['outcome'],
  );
  return {
    hedge: (outcome) => hedges.inc({ outcome }),
    attempt: ({ provider, model }, outcome) => attempts.inc({ provider, model, outcome }),
    firstContent: ({ provider, model }, elapsedMs) => firstContent.observe({ provider, model }, elapsedMs / 1000),
    unpriced: (usage) => {
      const [kind = ''] = usage.split('.', 1);
      unpriced.inc({ kind: unpricedKinds.has(kind) ? kind : otherKind });
    },
    turnedAway: (reason) => turnedAway.inc({ reason }),
    backgroundRun: (outcome) => backgroundRuns.inc({ outcome }),
  };
}

const standings: readonly Standing[] = ['good', 'kept', 'missing'];

/** @param count credentials of the newest configuration that stand so */
export function credentialMetrics(metrics: Metrics, count: (standing: Standing) => number): void {
  metrics.gauge(
    'tollgate_upstream_credentials',
    'Credentials of the configuration by how they stand',
    ['standing'],
    (gauge) => {
      for (const standing of standings) gauge.set({ standing }, count(standing));
    },
  );
}

/** @returns counts what came of asking for a token in place of a key */
export function tokenMetrics(metrics: Metrics): (outcome: 'issued' | 'failed') => void {
  const asked = metrics.counter(
    'tollgate_upstream_token_requests_total',
    'Tokens in place of keys that were asked for',
    ['outcome'],
  );
  return (outcome) => asked.inc({ outcome });
}
