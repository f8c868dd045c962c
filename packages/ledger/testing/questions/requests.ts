import type { UsageRow } from '../../row.ts';
import { HOUR_MS, random, usageRow } from '../rows.ts';

/** A request with its standing row, and the versions that came before it. */
export interface GeneratedRequest {
  startedAtMs: number;
  row: UsageRow;
  replaced: UsageRow[];
}

type RowPart = Partial<UsageRow> & { startedAtMs?: number };

const DAY_MS = 24 * HOUR_MS;
const TEAMS = ['shop.search', 'shop.support', 'bank.engineering'];
const MODELS = ['gpt-4o', 'gpt-4o-mini', 'o3'];
const FAILURES = ['rate_limit_exceeded', 'timeout'];

/**
 * Requests of some two and a half months before `nowMs`, most of them of the last days: every status, version, guard and kind of attempt, and two on
 * each side of every `edges`. The same for the same arguments.
 */
export function generateRequests(nowMs: number, edges: readonly number[], count: number): GeneratedRequest[] {
  const chance = random(7);
  const one = <T>(of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T;
  const upTo = (max: number) => Math.floor(chance() * max);
  const spans = [DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 75 * DAY_MS];
  const times = [
    ...edges.flatMap((edge) => [edge - 1, edge - 1, edge, edge]),
    ...Array.from({ length: count }, () => nowMs - 1 - upTo(one(spans))),
  ];
  return times.map((startedAtMs) => {
    const team = one(TEAMS);
    const kind = chance();
    const identity: RowPart = {
      startedAtMs,
      team_id: team,
      team: team.split('.')[1] as string,
      project_id: team.split('.')[0] as string,
      key_id: `key-${team}-${upTo(12)}`,
      metadata: chance() < 0.5 ? { customer: `customer-${upTo(7)}` } : {},
    };
    const common: RowPart = {
      ...identity,
      stream: chance() < 0.5,
      latency_ms: 100 + upTo(9000),
      ttft_ms: chance() < 0.9 ? 20 + upTo(800) : 0,
      stage_us: { auth: upTo(3000), pii: upTo(4000), cache: upTo(2000), router: upTo(900), upstream: upTo(5_000_000) },
      pii_entities: chance() < 0.2 ? { EMAIL: 1 + upTo(4), PHONE: 1 + upTo(2) } : {},
    };
    const passed =
      chance() < 0.1 ? { [`${one(['soft', 'shadow'])}.${one(['team-tokens-1d', 'key-cost-30d'])}`]: 1 } : {};
    if (kind < 0.06) {
      const hits = { [`hard.${one(['team-tokens-1d', 'organization-cost-1mo'])}`]: 1 };
      const row = usageRow({
        ...common,
        ...nothing,
        status: 'refused',
        http_status: 429,
        code: 'budget_exceeded',
        guardrail_hits: hits,
      });
      return { startedAtMs, row, replaced: [] };
    }
    const guardrail_hits = { piiMasking: 1, ...passed };
    if (kind < 0.2) {
      const row = usageRow({ ...common, ...nothing, guardrail_hits, ...hit(upTo) });
      return { startedAtMs, row, replaced: [] };
    }
    const abandoned = usageRow({
      ...identity,
      ...nothing,
      ...{
        version: 1,
        status: 'abandoned',
        http_status: 502,
        code: 'gateway_interrupted',
        estimated: true,
        ttft_ms: 0,
      },
      ...{ prompt_tokens: 900 + upTo(2000), completion_tokens: 4000, cost_nano_usd: 60_000_000 + upTo(1_000_000) },
    });
    if (kind < 0.23) return { startedAtMs, row: abandoned, replaced: [] };
    const { request_id } = abandoned;
    const model = one(MODELS);
    const attempts = attemptsOf(chance() < 0.15 ? one(FAILURES) : '', one(MODELS), model, upTo);
    const charged: RowPart = {
      ...common,
      ...attempts,
      request_id,
      model,
      model_requested: model,
      guardrail_hits,
      cache_status: 'MISS',
    };
    const cancelled = usageRow({
      ...charged,
      ...{ version: 2, status: 'cancelled', http_status: 499, code: 'client_closed_request', estimated: true },
    });
    if (kind < 0.28) return { startedAtMs, row: cancelled, replaced: kind < 0.25 ? [abandoned] : [] };
    const row = usageRow(
      kind < 0.32 ? { ...charged, status: 'failed', http_status: 502, code: 'upstream_error' } : charged,
    );
    return { startedAtMs, row, replaced: kind < 0.36 ? [abandoned, cancelled] : [] };
  });
}

/** Of a request that nobody was called for. */
const nothing: RowPart = {
  ...{
    model: '',
    provider: '',
    cache_status: '',
    prompt_tokens: 0,
    completion_tokens: 0,
    cached_prompt_tokens: 0,
    reasoning_tokens: 0,
  },
  ...{ served_prompt_tokens: 0, served_completion_tokens: 0, cost_nano_usd: 0 },
  'attempts.provider': [],
  'attempts.model': [],
  'attempts.deployment': [],
  'attempts.http_status': [],
  'attempts.code': [],
  'attempts.latency_us': [],
  'attempts.prompt_tokens': [],
  'attempts.completion_tokens': [],
  'attempts.cost_nano_usd': [],
};

function hit(upTo: (max: number) => number): RowPart {
  const served = { served_prompt_tokens: 100 + upTo(900), served_completion_tokens: 50 + upTo(400) };
  return {
    status: 'cached',
    cache_status: 'HIT',
    model: 'gpt-4o',
    saved_nano_usd: 1_000_000 + upTo(9_000_000),
    ...served,
  };
}

/** Of a request that a model served, after one that failed or not; a row is the sum of its attempts. */
function attemptsOf(failure: string, failedModel: string, model: string, upTo: (max: number) => number): RowPart {
  const served = {
    model,
    code: '',
    status: 200,
    prompt: 100 + upTo(5000),
    completion: 10 + upTo(900),
    cost: 1_000_000 + upTo(90_000_000),
  };
  const failed = {
    model: failedModel,
    code: failure,
    status: 429,
    prompt: upTo(2) * 70,
    completion: 0,
    cost: upTo(500_000),
  };
  const attempts = failure === '' ? [served] : [failed, served];
  const sum = (of: (attempt: typeof served) => number) => attempts.reduce((total, attempt) => total + of(attempt), 0);
  return {
    'attempts.provider': attempts.map(() => 'azure-openai'),
    'attempts.model': attempts.map((attempt) => attempt.model),
    'attempts.deployment': attempts.map((attempt) => attempt.model),
    'attempts.http_status': attempts.map((attempt) => attempt.status),
    'attempts.code': attempts.map((attempt) => attempt.code),
    'attempts.latency_us': attempts.map(() => 1000),
    'attempts.prompt_tokens': attempts.map((attempt) => attempt.prompt),
    'attempts.completion_tokens': attempts.map((attempt) => attempt.completion),
    'attempts.cost_nano_usd': attempts.map((attempt) => attempt.cost),
    prompt_tokens: sum((attempt) => attempt.prompt),
    completion_tokens: sum((attempt) => attempt.completion),
    cost_nano_usd: sum((attempt) => attempt.cost),
    cached_prompt_tokens: upTo(100),
    reasoning_tokens: upTo(10),
  };
}
