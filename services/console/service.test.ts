import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBus, subjects } from '@tollgate/bus';
import { BudgetCountersReply, BudgetCountersRequest, encode, ReconcileReply } from '@tollgate/contracts';
import { connect, type LedgerClient, migrate, refreshRollups } from '@tollgate/ledger';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';

const adminToken = 'an-admin-token-of-tests';
const configuration = `
organization: acme
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
providers:
  - { name: azure-openai, type: azure-openai, endpoint: http://127.0.0.1:1, models: [gpt-4o] }
projects:
  - name: sample
    teams: [{ name: engineering }, { name: product }]
    proxies:
      - { name: proxy, version: v1.0, context: /proxy, provider: azure-openai, default: true, guardrails: [] }
`;
const hourMs = 3_600_000;

let engines: TestEngines;
let ledger: LedgerClient;
let service: ChildProcess;
let folder: string;
let address: string;
let health: string;

before(async () => {
  engines = await startEngines({ only: ['nats', 'clickhouse'] });
  // The console starts while ClickHouse is away.
  await engines.clickhouse.stop();
  folder = await mkdtemp(path.join(tmpdir(), 'tollgate-console-'));
  const { user, password } = engines.nats.credentials;
  service = spawn(process.execPath, ['main.ts'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: user,
      TOLLGATE_NATS_PASSWORD: password,
      TOLLGATE_CLICKHOUSE_URL: engines.clickhouse.url,
      TOLLGATE_CONSOLE_PORT: '0',
      TOLLGATE_ADMIN_TOKEN: adminToken,
      TOLLGATE_WEB_DIST: path.join(folder, 'dist'),
      TOLLGATE_LOG_LEVEL: 'error',
    },
  });
  const [message] = (await once(service, 'message')) as [{ address: string; health: string }];
  ({ address, health } = message);
});
after(async () => {
  if (service?.exitCode === null) {
    service.kill();
    await once(service, 'exit');
  }
  await ledger?.close();
  await engines?.close();
  if (folder) await rm(folder, { recursive: true });
});

async function ask(target: string, { token = adminToken, ...init }: RequestInit & { token?: string } = {}) {
  const answer = await fetch(address + target, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json');
  // biome-ignore lint/suspicious/noExplicitAny: each test knows its route
  return { status: answer.status, headers: answer.headers, text, json: (isJson ? JSON.parse(text) : undefined) as any };
}

const post = (target: string, body: unknown) =>
  ask(target, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
const sql = (query: string, format?: string) => post('/api/sql', { query, format });

const ledgerRoutes = [
  () => ask('/api/usage?team=engineering'),
  () => ask('/api/dashboard?last=1h'),
  () => sql('SELECT count() FROM usage'),
];

test('everything below /api needs the admin token', async () => {
  for (const target of ['/api/status', '/api/usage', '/api/dashboard', '/api/nothing']) {
    const answer = await ask(target, { token: 'another-token-altogether' });
    assert.deepEqual([answer.status, answer.json.error.code], [401, 'invalid_api_key'], target);
  }
});

test('without ClickHouse configuration and keys are served, and the ledger’s routes say that it is away', async () => {
  const applied = await ask('/api/apply', {
    method: 'POST',
    body: configuration,
    headers: { 'content-type': 'application/yaml' },
  });
  assert.deepEqual([applied.status, applied.json.revision], [200, 1], applied.text);
  const key = await post('/api/keys', { team: 'engineering', name: 'test-key' });
  assert.match(key.json.key, /^tg_[0-9a-f]{64}$/);
  assert.equal((await ask('/api/status')).json.revision, 1);
  for (const route of ledgerRoutes) {
    const answer = await route();
    assert.deepEqual([answer.status, answer.json.error.code], [503, 'store_unavailable'], answer.text);
    assert.match(answer.json.error.message, /ClickHouse/);
    assert.ok(answer.headers.get('retry-after'));
    assert.ok(!answer.text.includes(engines.clickhouse.credentials.password));
  }
  const ready = await fetch(`${health}/readyz`);
  assert.equal(ready.status, 200);
  assert.match(await ready.text(), /degraded: .*ClickHouse/);
});

test('a rotated key has another one beside it, until the overlap ends; only the new one is rotated again', async () => {
  const made = (await post('/api/keys', { team: 'engineering', name: 'to-rotate', models: ['gpt-4o'] })).json;
  const listed = async () => {
    const { keys } = (await ask('/api/keys')).json as { keys: Record<string, unknown>[] };
    return keys.filter(({ name }) => name === 'to-rotate');
  };
  /** What is written comes back by the watch. */
  const until = async (holds: (keys: Record<string, unknown>[]) => boolean) => {
    for (;;) {
      const keys = await listed();
      if (holds(keys)) return keys;
      await delay(20);
    }
  };
  await until(({ length }) => length === 1);
  const rotated = await post(`/api/keys/${made.id}/rotate`, { overlap: '1h' });
  assert.equal(rotated.status, 200, rotated.text);
  assert.match(rotated.json.key, /^tg_[0-9a-f]{64}$/);
  assert.notEqual(rotated.json.key, made.key);
  assert.notEqual(rotated.json.id, made.id);
  const keys = await until((all) => all.length === 2 && all.some(({ rotatedToId }) => rotatedToId !== undefined));
  const [old, next] = [made.id, rotated.json.id].map((id) => keys.find((one) => one.id === id));
  assert.deepEqual([old?.lastFive, next?.lastFive], [made.key.slice(-5), rotated.json.key.slice(-5)]);
  assert.deepEqual(
    [old?.state, next?.state, next?.expiresAtMs, next?.models],
    ['active', 'active', undefined, ['gpt-4o']],
  );
  assert.deepEqual([old?.rotatedToId, old?.expiresAtMs], [rotated.json.id, rotated.json.oldKeyEndsAtMs]);
  const again = await post(`/api/keys/${made.id}/rotate`, {});
  assert.deepEqual([again.status, again.json.error.code], [400, 'invalid_request']);
  assert.match(again.json.error.message, new RegExp(`rotate ${rotated.json.id}`));
  await ask(`/api/keys/${rotated.json.id}`, { method: 'DELETE' });
  await until((all) => all.some(({ state }) => state === 'revoked'));
  assert.match((await post(`/api/keys/${rotated.json.id}/rotate`, {})).json.error.message, /revoked cannot be rotated/);
});

test('a file of prices comes with the configuration that names it', async () => {
  const named = configuration.replace(/priceList:[\s\S]*?(?=providers:)/, 'priceList: { file: prices.yaml }\n');
  const files = { 'prices.yaml': `gpt-4o: { prompt: 3, completion: 10 }\n# ${'x'.repeat(1_000_000)}` };
  const applied = await post('/api/apply', { configuration: named, files });
  assert.equal(applied.status, 200, applied.text);
  const changed = applied.json.changes.map(({ path }: { path: string }) => path);
  assert.ok(changed.includes('prices.gpt-4o.promptNanoPerMillion'), changed.join());
  const alone = await post('/api/apply', { configuration: named });
  assert.deepEqual([alone.status, alone.json.error.param], [400, 'priceList.file'], alone.text);
  const unknown = await post('/api/apply', { configuration: named, files: { 'prices.yaml': '{}' } });
  assert.equal(unknown.status, 400, unknown.text);
  assert.match(unknown.json.error.message, /has no price: add gpt-4o to priceList/);
  const other = await post('/api/apply', { yaml: named });
  assert.equal(other.status, 400, other.text);
});

test('before the schema is there the ledger’s routes say what to do', async () => {
  await engines.clickhouse.start();
  for (const route of ledgerRoutes) {
    const answer = await route();
    assert.deepEqual([answer.status, answer.json.error.code], [503, 'store_unavailable'], answer.text);
    assert.match(answer.json.error.message, /not ready: .*migrat/);
  }
});

test('usage of one team and of all, exactly', async () => {
  ledger = connect({ url: engines.clickhouse.url });
  await migrate(ledger);
  const now = Date.now();
  const row = (id: string, team: string, agoMs: number, more: object = {}) => ({
    ...{ request_id: id, version: 3, started_at: now - agoMs, organization: 'acme', project: 'sample', team },
    ...{ team_id: `sample.${team}`, model: 'gpt-4o', status: 'completed', cache_status: 'MISS' },
    ...{ prompt_tokens: 100, completion_tokens: 20, cost_nano_usd: 450_001, ...more },
  });
  const settings = { date_time_input_format: 'best_effort' } as const;
  await ledger.insert(
    'usage_events',
    [
      row('r1', 'engineering', 60_000),
      row('r2', 'engineering', 120_000, { cache_status: 'HIT', status: 'cached', cost_nano_usd: 0, saved_nano_usd: 7 }),
      row('r3', 'product', 60_000, { model: 'gpt-4o-mini', cost_nano_usd: 9 }),
      row('r4', 'product', 30 * hourMs),
      row('r5', 'gone', 60_000, { cost_nano_usd: 1 }),
    ].map(({ started_at, ...rest }) => ({ ...rest, started_at: new Date(started_at).toISOString() })),
    { settings },
  );
  await refreshRollups(ledger);
  const { json: team } = await ask('/api/usage?team=engineering&since=24h');
  assert.deepEqual(
    [team.team, team.requests, team.tokens, team.costNanoUsd, team.savedNanoUsd, team.cacheHits],
    ['engineering', 2, 240, 450_001, 7, 1],
  );
  assert.deepEqual([team.models.length, team.models[0].model], [1, 'gpt-4o']);
  assert.equal((await ask('/api/usage?team=sample.product&since=2d')).json.requests, 2);
  const { json: all } = await ask('/api/usage?since=24h');
  assert.equal(all.requests, 4);
  assert.deepEqual(
    all.teams.map((one: { team: string; costNanoUsd: number }) => [one.team, one.costNanoUsd]),
    [
      ['engineering', 450_001],
      ['product', 9],
      ['gone', 1],
    ],
  );
  assert.equal((await ask('/api/usage?team=gone')).json.requests, 1);
  const unknown = await ask('/api/usage?team=nobody');
  assert.deepEqual(
    [unknown.status, unknown.json.error.code, unknown.json.error.param],
    [400, 'invalid_request', 'team'],
  );
  assert.equal((await ask('/api/usage?since=yesterday')).status, 400);
});

test('the dashboard: totals, teams by models and both over time, for a range, a team, a model', async () => {
  const { json: hour } = await ask('/api/dashboard?last=1h');
  assert.deepEqual(
    [hour.organization, hour.bucket, hour.totals.requests, hour.totals.costNanoUsd],
    ['acme', 'minute', 4, 450_011],
  );
  assert.deepEqual(
    hour.cells.map((one: { teamName: string; model: string; requests: number }) => [
      one.teamName,
      one.model,
      one.requests,
    ]),
    [
      ['engineering', 'gpt-4o', 2],
      ['product', 'gpt-4o-mini', 1],
      ['gone', 'gpt-4o', 1],
    ],
  );
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  for (const series of [hour.byTeam, hour.byModel]) {
    assert.equal(sum(series.map((one: { tokens: number[] }) => sum(one.tokens))), hour.totals.tokens);
    assert.equal(sum(series.map((one: { costNanoUsd: number[] }) => sum(one.costNanoUsd))), hour.totals.costNanoUsd);
  }
  assert.equal((await ask('/api/dashboard?last=7d')).json.totals.requests, 5);
  assert.equal((await ask('/api/dashboard?last=1h&team=sample.product')).json.totals.requests, 1);
  assert.equal((await ask('/api/dashboard?last=1h&team=product&model=gpt-4o')).json.totals.requests, 0);
  assert.equal((await ask(`/api/dashboard?from=${Date.now() - 90_000}`)).json.bucket, 'minute');
  for (const query of ['last=1y', 'from=1&last=1h', 'colour=red', 'last=500d'])
    assert.equal((await ask(`/api/dashboard?${query}`)).json.error.code, 'invalid_request', query);
});

test('SQL in the format that is asked for', async () => {
  const rows = await sql(
    'SELECT team, count() AS n FROM usage GROUP BY team ORDER BY n DESC, team LIMIT 1',
    'JSONEachRow',
  );
  assert.deepEqual([rows.status, JSON.parse(rows.text)], [200, { team: 'engineering', n: 2 }]);
  assert.match(rows.headers.get('content-type') ?? '', /ndjson/);
  const csv = await sql('SELECT 1 AS a, 2 AS b', 'CSVWithNames');
  assert.deepEqual([csv.headers.get('content-type'), csv.text], ['text/csv; charset=utf-8', '"a","b"\n1,2\n']);
  assert.deepEqual((await sql('SELECT 1 AS a')).json.data, [{ a: 1 }]);
});

test('SQL that is wrong, writes or takes a format of nobody is refused in the engine’s words', async () => {
  const wrong = await sql('SELECT tokenz FROM usage');
  assert.deepEqual([wrong.status, wrong.json.error.code, wrong.json.error.param], [400, 'invalid_request', 'query']);
  assert.match(wrong.json.error.message, /tokenz/);
  assert.match((await sql('DROP TABLE usage_events')).json.error.message, /readonly/i);
  assert.match((await sql('SELECT * FROM usages')).json.error.message, /usages/);
  for (const body of [{ query: '' }, {}, { query: 'SELECT 1', format: 'CSV; DROP' }, { query: 'SELECT 1', more: 1 }])
    assert.equal((await post('/api/sql', body)).json.error.code, 'invalid_request');
  assert.equal((await sql('SELECT 1', 'NoSuchFormat')).status, 400);
});

test('the books are compared on demand by analytics; what differs is told', async () => {
  const missing = await post('/api/reconcile', {});
  assert.deepEqual([missing.status, missing.json.error.code], [503, 'overloaded'], missing.text);
  const { user, password } = engines.nats.credentials;
  const bus = await connectBus({
    env: { url: engines.nats.address, user, password },
    ...{ service: 'analytics', replica: 'analytics-1', metrics: createMetrics('test') },
    logger: createLogger({ service: 'test', replica: 'test-1', level: 'silent' }),
  });
  const finding = { compared: 'rows', outcome: 'equal', what: '', expected: 2, found: 2, detail: '' };
  const lost = { ...finding, outcome: 'differs', what: 'request r-1', expected: 3, found: 0 };
  let reply = { run: 'a', findings: [finding, { ...finding, compared: 'budgets', outcome: 'skipped' }], error: '' };
  const asked = bus.subscribe(subjects.ledgerReconcile, (_bytes, to) => bus.reply(to, encode(ReconcileReply, reply)));
  try {
    // The server knows of the subscription before it is asked.
    await bus.flush();
    const some = await post('/api/reconcile', {});
    assert.deepEqual([some.status, some.json], [200, { run: 'a', outcome: 'skipped', findings: reply.findings }]);
    reply = { ...reply, findings: [...reply.findings, lost] };
    assert.equal((await post('/api/reconcile', {})).json.outcome, 'differs');
    reply = { ...reply, findings: [finding] };
    assert.equal((await post('/api/reconcile', {})).json.outcome, 'equal');
    reply = { run: '', findings: [], error: 'the ledger is away' };
    const failed = await post('/api/reconcile', {});
    assert.deepEqual([failed.status, failed.json.error.code], [503, 'store_unavailable']);
    assert.match(failed.json.error.message, /the ledger is away/);
  } finally {
    await asked.drain();
    await bus.close();
  }
});

test('budgets are what guard-auth holds, page by page, or say why they cannot be read', async () => {
  const missing = await ask('/api/budgets');
  assert.deepEqual([missing.status, missing.json.error.code], [503, 'overloaded'], missing.text);
  const { user, password } = engines.nats.credentials;
  const bus = await connectBus({
    env: { url: engines.nats.address, user, password },
    ...{ service: 'guard-auth', replica: 'guard-auth-1', metrics: createMetrics('test') },
    logger: createLogger({ service: 'test', replica: 'test-1', level: 'silent' }),
  });
  const counter = {
    ...{ scope: 'team', scopeId: 'sample.engineering', quantity: 'tokens', window: '1d', windowStartMs: 1000 },
    ...{
      windowEndMs: 2000,
      spent: 60,
      reserved: 30,
      models: [],
      keys: ['build'],
      selector: '',
      limits: [{ amount: 100, mode: 'hard' }],
    },
  };
  const all = [counter, { ...counter, scopeId: 'sample.product' }];
  let error = '';
  const asked = bus.subscribe(subjects.budgetCounters, (bytes, to) => {
    const { skip } = BudgetCountersRequest.decode(bytes);
    const counters = all.slice(skip, skip + 1);
    bus.reply(to, encode(BudgetCountersReply, { organizationId: 'acme', counters, total: 2, floorSeq: 0, error }));
  });
  try {
    await bus.flush();
    const both = await ask('/api/budgets');
    assert.deepEqual(
      both.json.budgets.map((budget: { of: string }) => budget.of),
      ['sample.engineering', 'sample.product'],
    );
    const one = await ask('/api/budgets?team=engineering');
    const expected = { limit: 100, spent: 60, reserved: 30, remaining: 10, resetsAtMs: 2000 };
    const named = {
      scope: 'team',
      of: 'sample.engineering',
      quantity: 'tokens',
      window: '1d',
      mode: 'hard',
      models: [],
      keys: ['build'],
    };
    assert.deepEqual(one.json, { budgets: [{ ...named, ...expected }] });
    assert.equal((await ask('/api/budgets?team=nobody')).status, 400);
    error = 'the counters are being rebuilt';
    const failed = await ask('/api/budgets');
    assert.deepEqual([failed.status, failed.json.error.code], [503, 'store_unavailable']);
    assert.match(failed.json.error.message, /being rebuilt/);
  } finally {
    await asked.drain();
    await bus.close();
  }
});

test('the pages are served once they are built, under a strict policy', async () => {
  const missing = await ask('/');
  assert.equal(missing.status, 503);
  assert.match(missing.text, /node apps\/web\/build\.ts/);
  await mkdir(path.join(folder, 'dist/assets'), { recursive: true });
  await writeFile(path.join(folder, 'dist/index.html'), '<!doctype html>the page');
  await writeFile(path.join(folder, 'dist/assets/app-abc.js'), 'export {};');
  await writeFile(path.join(folder, 'dist/.hidden'), 'x');
  const page = await ask('/');
  assert.deepEqual(
    [page.status, page.text, page.headers.get('cache-control')],
    [200, '<!doctype html>the page', 'no-cache'],
  );
  assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self';/);
  const script = await ask('/assets/app-abc.js');
  assert.match(script.headers.get('cache-control') ?? '', /immutable/);
  assert.match(script.headers.get('content-type') ?? '', /javascript/);
  for (const target of ['/.hidden', '/assets/none.js', '/..%2f..%2fpackage.json', '/nothing']) {
    const answer = await ask(target);
    assert.deepEqual([answer.status, answer.json?.error.code], [404, 'not_found'], target);
  }
});
