import { type LedgerClient, rebuildRollup } from '@tollgate/ledger';

/** Full hours between which the requests began, milliseconds. */
export interface Generated {
  fromMs: number;
  toMs: number;
}

const DAY_MS = 86_400_000;
/** So that this month can be held against the one before. */
const DAYS = 62;
/** Rows of one statement: some seconds of work, and a part of the size that merges leave after some hours of traffic. */
const STEP = 500_000;

/** A number from 0 to 1 that follows from the row's number and a name. */
const u = (name: string) => `(cityHash64(n, '${name}') / 18446744073709551616)`;
/** About normal, by the sum of four. */
const z = (name: string) => `((${[1, 2, 3, 4].map((at) => u(`${name}${at}`)).join(' + ')} - 2) * 1.732)`;

const MODELS = `['gpt-4o-mini', 'gpt-4o', 'o4-mini', 'gpt-4.1', 'o3', 'gpt-4.1-mini', 'gpt-4o-audio', 'gpt-5']`;
const RESERVATIONS = `concat('[{"scope":"team","scopeId":"', team_id, '","quantity":"tokens","window":"1d","windowStartMs":', toString(toUnixTimestamp(toStartOfDay(at))),
  '000,"windowEndMs":0,"amount":', toString(prompt + 500), ',"models":[],"selector":"","value":""}]')`;

/**
 * What a row says follows from its number alone: teams, keys and models of very different size, days with a middle, long texts and short ones,
 * answers from the cache, refusals, callers who left, second attempts, callers' own metadata.
 */
const source = (numbers: string) => `
  WITH ${u('kind')} AS kind,
    fromUnixTimestamp64Milli(toInt64({fromMs:Int64} + intDiv(n * ${DAYS}, {rows:UInt64}) * ${DAY_MS} + floor(${DAY_MS} * (${u('t1')} + ${u('t2')}) / 2)), 'UTC') AS at,
    multiIf(kind < 0.80, 'completed', kind < 0.92, 'cached', kind < 0.95, 'refused', kind < 0.97, 'failed', kind < 0.99, 'cancelled', 'abandoned') AS state,
    toUInt32(floor(40 * pow(${u('team')}, 3))) AS team_number,
    concat('project-', toString(team_number % 5)) AS project_name,
    concat(project_name, '.team-', toString(team_number)) AS team_id,
    state NOT IN ('cached', 'refused') AS called,
    ${MODELS}[1 + toUInt32(floor(8 * pow(${u('model')}, 2.5)))] AS asked,
    if(state IN ('completed', 'cached', 'cancelled'), asked, '') AS served,
    toInt64(exp(6.5 + 1.2 * ${z('prompt')})) AS prompt,
    toInt64(exp(5 + ${z('completion')})) AS completion,
    toInt64(prompt * 2500 + completion * 10000) AS cost,
    if(called, if(${u('attempts')} < 0.03, 2, 1), 0) AS tries
  SELECT concat(lower(hex(cityHash64(n, 'a'))), lower(hex(cityHash64(n, 'b')))) AS request_id,
    multiIf(state = 'abandoned', 1, state = 'cancelled', 2, 3) AS version,
    intDiv(n, 2) + 1 AS stream_seq, 2 AS message_rows,
    at AS started_at, at + INTERVAL 2 SECOND AS finished_at,
    'bench' AS organization_id, 'bench' AS organization, project_name AS project_id, project_name AS project, team_id,
    concat('team-', toString(team_number)) AS team,
    concat('key-', toString(team_number), '-', toString(toUInt32(floor(20 * pow(${u('key')}, 2))))) AS key_id,
    'chat' AS proxy, 1 AS revision, ${RESERVATIONS} AS reservations,
    if(called, 'azure-openai', '') AS provider, asked AS model_requested, served AS model, served AS base_model,
    'chat_completions' AS surface, ${u('stream')} < 0.6 AS stream, state AS status,
    transform(state, ['refused', 'failed', 'cancelled', 'abandoned'], [429, 502, 499, 502], 200) AS http_status,
    transform(state, ['refused', 'failed', 'cancelled', 'abandoned'], ['budget_exceeded', 'upstream_error', 'client_closed_request', 'gateway_interrupted'], '') AS code,
    'complete' AS delivered, '' AS client_request_id,
    arrayResize(['azure-openai', 'azure-openai'], tries) AS \`attempts.provider\`,
    if(tries = 2, ['gpt-4o', asked], arrayResize([asked], tries)) AS \`attempts.model\`,
    if(tries = 2, ['gpt-4o', asked], arrayResize([asked], tries)) AS \`attempts.deployment\`,
    if(tries = 2, [429, 200], arrayResize([200], tries)) AS \`attempts.http_status\`,
    if(tries = 2, ['rate_limit_exceeded', ''], arrayResize([if(state = 'failed', 'timeout', '')], tries)) AS \`attempts.code\`,
    if(tries = 2, [9000, 1500000], arrayResize([1500000], tries)) AS \`attempts.latency_us\`,
    if(tries = 2, [0, prompt], arrayResize([prompt], tries)) AS \`attempts.prompt_tokens\`,
    if(tries = 2, [0, completion], arrayResize([completion], tries)) AS \`attempts.completion_tokens\`,
    if(tries = 2, [0, cost], arrayResize([cost], tries)) AS \`attempts.cost_nano_usd\`,
    if(called, prompt, 0) AS prompt_tokens, if(called, completion, 0) AS completion_tokens,
    if(called, intDiv(prompt, 4), 0) AS cached_prompt_tokens, if(called AND startsWith(asked, 'o'), intDiv(completion, 2), 0) AS reasoning_tokens,
    if(state = 'refused', 0, prompt) AS served_prompt_tokens, if(state = 'refused', 0, completion) AS served_completion_tokens,
    state IN ('cancelled', 'abandoned') AS estimated, if(called, cost, 0) AS cost_nano_usd, if(state = 'cached', cost, 0) AS saved_nano_usd,
    'v1' AS price_list_version, transform(state, ['cached', 'refused'], ['HIT', ''], 'MISS') AS cache_status, 0 AS cache_similarity,
    if(${u('pii')} < 0.1, map('EMAIL', 1 + n % 3, 'PHONE', 1), map()) AS pii_entities,
    multiIf(state = 'refused', map('hard.team-tokens-1d', 1), ${u('hit')} < 0.02, map('piiMasking', 1, 'shadow.organization-cost-1mo', 1), ${u('hit')} < 0.1, map('piiMasking', 1), map()) AS guardrail_hits,
    map('auth', 300 + n % 700, 'pii', 200 + n % 900, 'cache', 500 + n % 1500, 'router', 100 + n % 300, 'upstream', 400000 + n % 2000000) AS stage_us,
    toUInt32(if(state = 'cached', 20 + n % 30, exp(7 + 0.8 * ${z('latency')}))) AS latency_ms,
    toUInt32(if(called, exp(5.5 + 0.6 * ${z('first')}), 0)) AS ttft_ms,
    if(${u('said')} < 0.6, map('customer', concat('customer-', toString(toUInt32(floor(2000 * pow(${u('customer')}, 2))))), 'feature', 'chat'), map()) AS metadata
  FROM (SELECT number AS n FROM numbers_mt({start:UInt64}, {count:UInt64}) ${numbers})`;

/**
 * Makes rows in the engine itself, in the order of time, as traffic does, and the sums by hour and day: the same ones for the same arguments.
 * One in a hundred was told as `abandoned` before, in the same step.
 */
export async function generate(
  client: LedgerClient,
  options: { rows: number; toMs: number; onStep(rows: number): void },
): Promise<Generated> {
  const toMs = options.toMs - (options.toMs % 3_600_000);
  const fromMs = toMs - DAYS * DAY_MS;
  const settings = { max_execution_time: 300, max_memory_usage: String(4 * 1024 ** 3), max_insert_threads: '2' };
  // A part has two hundred files: to wait for the disk with each of them is of no use to what is thrown away afterwards.
  for (const table of ['usage_events', 'usage_hourly', 'usage_daily_by_key'])
    await client.command(`ALTER TABLE ${table} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0`);
  for (let start = 0; start < options.rows; start += STEP) {
    const step = { fromMs, rows: options.rows, start, count: Math.min(STEP, options.rows - start) };
    for (const rows of [abandoned, source('')])
      await client.command(`INSERT INTO usage_events (${await columnsOf(client, rows, step)}) ${rows}`, step, {
        settings,
      });
    options.onStep(step.start + step.count);
  }
  const rangeMs = DAY_MS * Math.max(1, Math.floor((DAYS * STEP) / options.rows));
  for (let from = fromMs; from < toMs; from += rangeMs)
    await rebuildRollup(client, from, Math.min(toMs, from + rangeMs));
  return { fromMs, toMs };
}

/** What some were taken for at first. */
const abandoned = `SELECT * REPLACE(1 AS version, 'abandoned' AS status, toInt64(90000000) AS cost_nano_usd, true AS estimated)
  FROM (${source('WHERE n % 97 = 0')}) WHERE status = 'completed'`;

async function columnsOf(client: LedgerClient, source: string, parameters: Record<string, unknown>): Promise<string> {
  const columns = await client.rows<{ name: string }>(`DESCRIBE (${source})`, parameters);
  return columns.map(({ name }) => `\`${name}\``).join(', ');
}
