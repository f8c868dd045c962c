import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type AzureSimulator, startAzureSimulator } from '@tollgate/testing/azure';
import { type EntraSimulator, startEntraSimulator } from '@tollgate/testing/entra';
import OpenAI from 'openai';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Credentials that change, through the whole gateway. Azure without a key: tokens that live for seconds, a workload token that
// Kubernetes swaps, an endpoint that is away. A key in a file: swapped while requests come.

let entra: EntraSimulator;
let simulator: AzureSimulator;
let system: System;
let client: OpenAI;
let tokens: string;
let keyed: KeyedProvider;
let keyFile: string;
let generation = 0;

/** As kubelet projects a token that lives for 15 seconds: what is mounted is a link through `..data`, which is swapped as a whole. */
async function projectToken(): Promise<void> {
  const next = `..generation_${++generation}`;
  await mkdir(path.join(tokens, next));
  await writeFile(path.join(tokens, next, 'azure-identity-token'), entra.assertion(15));
  await symlink(next, path.join(tokens, '..data_tmp'));
  await rename(path.join(tokens, '..data_tmp'), path.join(tokens, '..data'));
  if (generation > 1) await rm(path.join(tokens, `..generation_${generation - 1}`), { recursive: true });
}

before(async () => {
  entra = await startEntraSimulator({ expiresInSeconds: 6, refreshInSeconds: 1 });
  simulator = await startAzureSimulator({ tokens: entra });
  tokens = await mkdtemp(path.join(tmpdir(), 'workload-identity-'));
  await projectToken();
  await symlink('..data/azure-identity-token', path.join(tokens, 'azure-identity-token'));
  system = await newSystem({
    AZURE_TENANT_ID: entra.tenantId,
    AZURE_CLIENT_ID: entra.clientId,
    AZURE_AUTHORITY_HOST: `${entra.address}/`,
    AZURE_FEDERATED_TOKEN_FILE: path.join(tokens, 'azure-identity-token'),
  });
  await system.start();
  // The first one may have run out while all of it started.
  await projectToken();
  keyed = await keyedProvider('the-first-key');
  keyFile = path.join(system.home, 'provider-key');
  await writeFile(keyFile, 'the-first-key', { mode: 0o600 });
  await system.apply(`
organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, completion: 10.00 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: ${simulator.address}
    credential: { entraWorkloadIdentity: {} }
    models: [gpt-4o]
  - { name: keyed, type: openai, endpoint: "${keyed.endpoint}", apiKey: { file: ${keyFile} }, models: [gpt-4o] }
projects:
  - name: sample-project
    teams: [{ name: engineering }]
    proxies:
      - { name: proxy, context: /proxy, provider: azure-openai, default: true }
      - { name: keyed, context: /keyed, provider: keyed }
`);
  const { gatewayUrl } = await system.status();
  const { key: apiKey } = await system.createKey('engineering', 'keyless');
  client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
});
after(async () => {
  await system?.remove();
  await Promise.all([simulator?.close(), entra?.close(), keyed?.close()]);
  if (tokens) await rm(tokens, { recursive: true, force: true });
});

/** The simulator remembers a thousand calls. */
const pauseMs = 50;
let asked = 0;
const ask = () =>
  client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: `Repeat ${++asked}` }] });
const issued = () => entra.requests.filter(({ status }) => status === 200).length;
const sentTokens = () => new Set(simulator.calls().map(({ headers }) => String(headers.authorization)));

test('no request notices that tokens run out and the workload token is swapped', async () => {
  // Longer than two lives of a token and one of the workload's.
  const last = issued() + 12;
  for (let swapped = issued(); issued() < last; await delay(pauseMs)) {
    await ask();
    if (issued() < swapped + 2) continue;
    swapped = issued();
    await projectToken();
  }
  assert.ok(sentTokens().size >= 8, `${sentTokens().size} tokens`);
  assert.ok(simulator.calls().every(({ status, headers }) => status === 200 && headers['api-key'] === undefined));
  assert.ok(entra.requests.every(({ status }) => status === 200));
  assert.ok(new Set(entra.requests.map(({ form }) => form.client_assertion)).size > 2);
});

test('with the token endpoint away the token serves as long as it lives; then callers read it, and soon after it is over', async () => {
  entra.refuse({ status: 503, error: 'temporarily_unavailable', description: 'AADSTS90033: secret text' });
  await ask();
  const refused = await until('a call without a token', () =>
    ask().then(
      () => undefined,
      (error: InstanceType<typeof OpenAI.APIError>) => error,
    ),
  );
  assert.deepEqual([refused.status, refused.code], [502, 'upstream_misconfigured']);
  assert.doesNotMatch(refused.message, /AADSTS|secret/);
  const { health } = (await system.status()).services.find(({ name }) => name === 'upstream') ?? {};
  const { ready, checks } = (await (await fetch(`${health}/readyz`)).json()) as {
    ready: boolean;
    checks: Record<string, string>;
  };
  assert.equal(ready, true);
  assert.equal(
    checks.credentials,
    'degraded: missing: the token endpoint answered 503 temporarily_unavailable AADSTS90033',
  );
  await projectToken();
  entra.refuse(undefined);
  await until('a token is there again', () => ask().catch(() => undefined));
});

interface KeyedProvider {
  endpoint: string;
  /** Keys that it takes; beside each other for a while, as providers let their customers have two. */
  accepted: Set<string>;
  /** By key, how many calls came with it; refused ones under `refused`. */
  seen: Map<string, number>;
  close(): void;
}

async function keyedProvider(first: string): Promise<KeyedProvider> {
  const [accepted, seen] = [new Set([first]), new Map<string, number>()];
  const server = createServer((request, response) => {
    const key = String(request.headers.authorization).replace('Bearer ', '');
    const taken = accepted.has(key);
    const name = taken ? key : 'refused';
    seen.set(name, (seen.get(name) ?? 0) + 1);
    response.writeHead(taken ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(taken ? completion : { error: { message: 'Wrong key', code: 'invalid_api_key' } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}/v1`, accepted, seen, close: () => void server.close() };
}

const completion = {
  ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-4o' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
};

test('a key in a file that is swapped: the next calls have the new one, and none is refused meanwhile', async () => {
  const { gatewayUrl } = await system.status();
  const other = new OpenAI({ baseURL: `${gatewayUrl}/keyed/v1`, apiKey: client.apiKey, maxRetries: 0 });
  const question = () => `Which key? ${++asked}`;
  const call = () =>
    other.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: question() }] });
  let stopped = false;
  const load = (async () => {
    for (; !stopped; await delay(pauseMs)) await call();
  })();
  await until('calls with the first', async () => (keyed.seen.get('the-first-key') ?? 0) > 5 || undefined);
  keyed.accepted.add('the-second-key');
  await writeFile(`${keyFile}.new`, 'the-second-key', { mode: 0o600 });
  await rename(`${keyFile}.new`, keyFile);
  await until('calls with the second', async () => (keyed.seen.get('the-second-key') ?? 0) > 5 || undefined, 60_000);
  keyed.accepted.delete('the-first-key');
  const before = keyed.seen.get('the-second-key') ?? 0;
  await until('only with the second', async () => (keyed.seen.get('the-second-key') ?? 0) > before + 10 || undefined);
  stopped = true;
  await load;
  assert.equal(keyed.seen.get('refused'), undefined);
});

test('neither tokens nor assertions are in a log', async () => {
  const secrets = [...sentTokens()].map((header) => header.replace('Bearer ', ''));
  secrets.push(
    ...entra.requests.flatMap(({ form }) => form.client_assertion ?? []),
    'secret text',
    'the-first-key',
    'the-second-key',
  );
  const folder = path.join(system.home, 'logs');
  const text = await until('what was told of the credential', async () => {
    const logs = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
    const all = [...logs, system.output].join('\n');
    return all.includes('a credential is there again') ? all : undefined;
  });
  for (const secret of secrets) assert.ok(!text.includes(secret));
});
