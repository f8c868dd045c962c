import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, startLoad } from '../support/load.ts';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// What changes while requests run: revisions, and keys, with two replicas of each service that reads them (promise P6).

/** What follows the configuration on the way of a request; analytics and console are alone. */
const doubled = ['ingress', 'pipeline', 'guard-auth', 'guard-pii', 'guard-cache', 'guard-router', 'upstream'];
const revisions = 6;
let system: System;
let gatewayUrl: string;
let simulatorUrl: string;

const configuration = (revision: number) => `
organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: ${10 + revision}.00 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: ${simulatorUrl}
    apiKey: { env: AZURE_OPENAI_API_KEY }
    models: [gpt-4o${revision % 2 === 0 ? '' : ', { name: other, deployment: gpt-4o, baseModel: gpt-4o }'}]
projects:
  - name: sample-project
    teams: [{ name: engineering, limits: [{ tokens: ${1_000_000_000 + revision}, window: 1d }] }]
    proxies:
      - name: enterprise-llm-proxy
        context: /enterprise-llm-proxy
        provider: azure-openai
        default: true
        guardrails:
          - piiMasking: { email: true }
          - semanticCache: { ttlSeconds: ${3600 + revision} }
          - modelRotation: { models: [{ model: gpt-4o }] }
`;

before(async () => {
  system = await newSystem();
  await system.start();
  ({ gatewayUrl } = await system.status());
  simulatorUrl = (await system.status()).simulatorUrl ?? '';
  await system.apply(configuration(0));
  for (const service of doubled) await system.cli('scale', service, '2');
  await until('two of each', async () => {
    const { ready, services } = await system.status();
    return (ready && services.length === 2 * doubled.length + 2) || undefined;
  });
});
after(() => system?.remove());

test('revisions are applied under load: every request is served, with the key of before the first of them', async (context) => {
  const { key, id } = await system.createKey('engineering', 'from-before');
  const json = startLoad({ gatewayUrl, key, rate: 15 });
  const slow = '[[sim {"chunkDelayMs":100}]] Write thirty words.';
  const streams = startLoad({ gatewayUrl, key, rate: 5, stream: true, prompt: (number) => `${slow} ${number}` });
  const first = await system.revision();
  await until('some load', async () => json.sent() > 20 || undefined);
  for (let revision = 1; revision <= revisions; revision++) {
    await system.apply(configuration(revision));
    await delay(1000);
  }
  const answers = [...(await json.stop()), ...(await streams.stop())];
  context.diagnostic(`${answers.length} requests over ${revisions} revisions`);
  assert.equal(await system.revision(), first + revisions);
  const failed = answers.filter(({ whole }) => !whole);
  assert.deepEqual(failed, []);
  // A row says on which revision its request was admitted: some on each, and each finished on it.
  const rows = await until('all rows', async () => {
    const found = await system.sql<{ revision: number; n: number }>(
      `SELECT revision, count() AS n FROM usage WHERE key_id = '${id}' AND status = 'completed' GROUP BY revision`,
    );
    return found.reduce((sum, { n }) => sum + Number(n), 0) === answers.length ? found : undefined;
  });
  assert.ok(rows.length > revisions, JSON.stringify(rows));
});

test('a revoked key is refused by every replica', async (context) => {
  const { key, id } = await system.createKey('engineering', 'revoked');
  for (let asked = 0; asked < 8; asked++) assert.equal((await ask({ gatewayUrl, key }, `Before ${asked}`)).status, 200);
  await system.cli('keys', 'revoke', id);
  const from = performance.now();
  let lastServedMs = 0;
  // New connections fall to either ingress, and their requests to either of all others.
  for (let refused = 0; refused < 40; ) {
    const { status } = await ask({ gatewayUrl, key }, `After ${performance.now()}`);
    const ms = performance.now() - from;
    assert.ok(ms < 20_000, 'it is still served');
    if (status === 200) {
      lastServedMs = ms;
      refused = 0;
    } else {
      assert.equal(status, 401);
      refused++;
    }
  }
  context.diagnostic(`the last one was served ${lastServedMs.toFixed(0)} ms after the command had ended`);
  assert.ok(lastServedMs < 1000, `${lastServedMs} ms`);
});
