import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { type Bus, connectBus } from '@tollgate/bus';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import { GuardClient, type GuardReply, type PiiResult } from '@tollgate/contracts';
import { type GuardPool, guardPool } from '@tollgate/guard';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const configuration = (entities: string) => `
organization: acme
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: http://127.0.0.1:1
    models: [gpt-4o]
projects:
  - name: sample
    teams: [{ name: engineering }]
    proxies:
      - name: proxy
        version: v1.0
        context: /proxy
        provider: azure-openai
        default: true
        guardrails:
          - piiMasking: { ${entities} }
`;

let engines: TestEngines;
let bus: Bus;
let pool: GuardPool;
let service: ChildProcess;
let ready: { address: string; health: string };
let output = '';

before(async () => {
  engines = await startEngines({ only: ['nats'] });
  const { user, password } = engines.nats.credentials;
  const metrics = createMetrics('test');
  const env = { url: engines.nats.address, user, password };
  bus = await connectBus({ env, service: 'test', replica: 'test', logger, metrics });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 1024 * 1024 });
  await apply(1, 'email: true, phone: true, ssn: true');
  pool = guardPool({ kind: 'pii', bus, logger, metrics });
  service = spawn(process.execPath, ['main.ts'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: user,
      TOLLGATE_NATS_PASSWORD: password,
      TOLLGATE_LOG_LEVEL: 'trace',
    },
  });
  for (const stream of [service.stdout, service.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  [ready] = (await once(service, 'message')) as [typeof ready];
  while (!pool.ready()) await new Promise(setImmediate);
});

after(async () => {
  pool?.close();
  if (service?.exitCode === null) {
    service.kill();
    await once(service, 'exit');
  }
  await bus?.close();
  await engines?.close();
});

const apply = (revision: number, entities: string) =>
  bus.configStore.apply(resolveConfig(parseConfigFile(configuration(entities)), revision, Date.now()), revision - 1);

const request = (texts: string[], revision = 1) => ({
  requestId: 'r',
  timeoutMs: 30_000,
  revision,
  proxy: 'sample.proxy',
  guardrail: 0,
  call: { $case: 'pii' as const, value: { texts } },
});

function piiOf(result: GuardReply['result']): PiiResult {
  if (result?.$case !== 'pii') throw new Error(JSON.stringify(result));
  return result.value;
}

test('texts are masked over gRPC', async () => {
  const { masked, entities } = piiOf(await pool.call(request(['Hi', 'bob@example.com, 415-555-2671, 123-45-6789'])));
  assert.deepEqual(masked, [{ index: 1, text: '[EMAIL_0000], [PHONE_0000], [SSN_0000]' }]);
  assert.deepEqual(entities, { EMAIL: 1, PHONE: 1, SSN: 1 });
});

test('a body of 15 MiB is masked while small ones are answered', async () => {
  const filler = 'The quick brown fox jumps over the lazy dog, 12 times in 2026. ';
  const text = `${filler.repeat((15 * 1024 * 1024) / filler.length)} bob@example.com`;
  let done = false;
  const large = pool.call(request(['bob@example.com', text])).finally(() => {
    done = true;
  });
  let small = 0;
  while (!done) {
    assert.equal(piiOf(await pool.call(request(['alice@example.com']))).masked.length, 1);
    small++;
  }
  const { masked, entities } = piiOf(await large);
  assert.deepEqual(entities, { EMAIL: 2 });
  assert.ok(masked[1]?.text.endsWith(' [EMAIL_0000]'));
  assert.equal(masked[1]?.text.length, text.length - 'bob@example.com'.length + '[EMAIL_0000]'.length);
  assert.ok(small > 10, `${small} small requests were answered meanwhile`);
});

test('a new revision counts for its own requests only; one that never comes is no decision', async () => {
  await apply(2, 'email: true');
  const text = 'bob@example.com 123-45-6789';
  assert.equal(piiOf(await pool.call(request([text], 2))).masked[0]?.text, '[EMAIL_0000] 123-45-6789');
  assert.equal(piiOf(await pool.call(request([text], 1))).masked[0]?.text, '[EMAIL_0000] [SSN_0000]');
  const result = await pool.call(request([text], 99));
  assert.equal(result.$case, 'error');
  assert.doesNotMatch(JSON.stringify(result), /bob|6789/);
});

test('Check gives the same answer as a plain call', async () => {
  const client = new GuardClient(ready.address, credentials.createInsecure());
  const reply = await new Promise<GuardReply>((resolve, reject) => {
    client.check({ id: 1, ...request(['bob@example.com']) }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
  assert.equal(piiOf(reply.result).masked[0]?.text, '[EMAIL_0000]');
  client.close();
});

test('numbers of what was found are in the metrics; no text is there, nor in the log', async () => {
  const metrics = await (await fetch(`${ready.health}/metrics`)).text();
  assert.match(metrics, /tollgate_pii_scans_total\{where="thread",service="guard-pii"\} 1\n/);
  assert.match(metrics, /tollgate_pii_findings_total\{entity="EMAIL",service="guard-pii"\} \d+\n/);
  assert.ok(output.includes('"started"'), output);
  assert.doesNotMatch(`${metrics}${output}`, /example\.com|555-2671|45-6789/);
});

test('SIGTERM: drained and gone with exit code 0', async () => {
  service.kill('SIGTERM');
  const [code] = await once(service, 'exit');
  assert.equal(code, 0);
  assert.equal(pool.usable, 0);
});

test('with a password that NATS does not know it says so, and goes on trying', async () => {
  const lost = spawn(process.execPath, ['main.ts'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: engines.nats.credentials.user,
      TOLLGATE_NATS_PASSWORD: 'of-somebody-else',
    },
  });
  let log = '';
  for await (const chunk of lost.stdout) {
    log += chunk;
    if (log.includes('trying again')) break;
  }
  assert.match(log, /Authorization.*NATS cannot be reached, or refuses this user; trying again/i);
  assert.ok(!log.includes('of-somebody-else'));
  assert.equal(lost.exitCode, null);
  lost.kill();
  await once(lost, 'exit');
});
