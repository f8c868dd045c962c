import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Composition } from '../support/composition.ts';
import { docker } from '../support/docker.ts';
import { startLoad } from '../support/load.ts';
import { until } from '../support/until.ts';

const guards = ['guard-auth', 'guard-pii', 'guard-cache', 'guard-router'];
const services = ['ingress', 'pipeline', ...guards, 'upstream', 'analytics', 'console'];
const ended = ['migrate', 'demo'];
const officialClickHouse = !process.env.TOLLGATE_TEST_CLICKHOUSE_IMAGE?.startsWith('tollgate/clickhouse-dev');
const start = ['up', '--detach', '--build', '--wait', '--wait-timeout', '300'];

let composition: Composition;
let key = '';

before(async () => {
  composition = await Composition.make({ officialClickHouse });
  await composition.run(...start).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await composition.run('logs', '--tail', '20')}`);
  });
});
after(async () => {
  assert.deepEqual(await composition?.remove(), []);
});

const ask = (input: string, gatewayUrl = composition.gatewayUrl) =>
  fetch(`${gatewayUrl}/openai/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify({ model: 'gpt-4o', input }),
    signal: AbortSignal.timeout(30_000),
  });

async function readyGuards(kind: string): Promise<number> {
  const answer = await fetch(`${composition.consoleUrl}/api/status`, {
    headers: { authorization: `Bearer ${composition.adminToken}` },
  });
  const { guards } = (await answer.json()) as { guards: { kind: string; ready: boolean }[] };
  return guards.filter((guard) => guard.kind === kind && guard.ready).length;
}

test('without credentials it does not start, and says what to run', async () => {
  await assert.rejects(
    docker('compose', '--env-file', '/dev/null', '--file', 'docker-compose.yml', 'config', '--quiet'),
    /required variable TOLLGATE_\w+ is missing a value: run node infra\/docker\/make-env\.mjs first/,
  );
});

test('every container is healthy, and what prepares has ended well', async () => {
  const containers = await composition.containers();
  const services = (await composition.run('config', '--services')).trim().split('\n');
  assert.deepEqual(containers.map(({ service }) => service).sort(), services.sort());
  for (const { service, state, health } of containers)
    assert.deepEqual(
      [service, state, health],
      ended.includes(service) ? [service, 'exited', ''] : [service, 'running', 'healthy'],
    );
});

test('a request goes through the whole chain, its repeat comes from the cache, both are in the ledger', async () => {
  key = JSON.parse(
    await composition.tollgate('keys', 'create', '--team', 'engineering', '--name', 'test-key', '--json'),
  ).key;
  const [first, second] = [await ask('What is the capital of France?'), await ask('What is the capital of France?')];
  assert.equal(first.status, 200, await first.clone().text());
  assert.equal(first.headers.get('x-cache-status'), 'MISS');
  const { output } = (await first.json()) as { output: { content: { text: string }[] }[] };
  assert.equal(output[0]?.content[0]?.text, 'The capital of France is Paris.');
  assert.equal(second.headers.get('x-cache-status'), 'HIT');
  const rows = await until('two rows in the ledger', async () => {
    const text = await composition.tollgate('sql', 'SELECT status FROM usage ORDER BY started_at', '--format', 'TSV');
    return text.trim().split('\n').length >= 2 ? text : undefined;
  });
  assert.equal(rows, 'completed\ncached\n');
});

test('the console serves its page', async () => {
  const answer = await fetch(composition.consoleUrl);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /<script type="module"[^>]*src="\/assets\//);
});

test('every service scales; a replica that goes away fails no request', async () => {
  const scale = services.flatMap((service) => ['--scale', `${service}=2`]);
  await composition.run('up', '--detach', '--no-recreate', '--wait', '--wait-timeout', '300', ...scale);
  const containers = await composition.containers();
  for (const service of services) {
    const states = containers.filter((container) => container.service === service).map(({ health }) => health);
    assert.deepEqual(states, ['healthy', 'healthy'], service);
  }
  const { port } = new URL(composition.gatewayUrl);
  for (const own of [port, String(Number(port) + 1)]) {
    const answer = await ask(`Write ${own}`, `http://127.0.0.1:${own}`);
    assert.equal(answer.status, 200, await answer.text());
  }
  for (const kind of ['auth', 'pii', 'cache', 'router'])
    await until(`two replicas of guard-${kind} announce themselves`, async () =>
      (await readyGuards(kind)) === 2 ? true : undefined,
    );
  const load = startLoad({ gatewayUrl: composition.gatewayUrl, key, rate: 10 });
  await until('the load runs', async () => (load.sent() > 10 ? true : undefined));
  await composition.run('up', '--detach', '--no-recreate', '--scale', 'guard-pii=1', 'guard-pii');
  const sent = load.sent();
  await until('the load goes on', async () => (load.sent() > sent + 10 ? true : undefined));
  const answers = await load.stop();
  assert.deepEqual(
    answers.filter(({ whole }) => !whole),
    [],
  );
  assert.equal((await composition.containers()).filter(({ service }) => service === 'guard-pii').length, 1);
});

test('keys, configuration and ledger outlive the containers', async () => {
  const count = async () => Number(await composition.tollgate('sql', 'SELECT count() FROM usage', '--format', 'TSV'));
  const rowsBefore = await count();
  await composition.run('down');
  await composition.run(...start);
  const answer = await ask('Write 5 words', await composition.gateway());
  assert.equal(answer.status, 200, await answer.text());
  assert.match(await composition.run('logs', 'demo'), /Revision 1 is applied: nothing was changed/);
  await until('the ledger goes on', async () => ((await count()) > rowsBefore ? true : undefined));
});
