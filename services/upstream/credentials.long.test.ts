import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RequestStatus } from '@tollgate/contracts';
import { type AzureSimulator, startAzureSimulator } from '@tollgate/testing/azure';
import { type EntraSimulator, startEntraSimulator } from '@tollgate/testing/entra';
import { Harness } from './testing/harness.ts';
import { chat, target } from './testing/peer.ts';

let harness: Harness;
let folder: string;
before(async () => {
  harness = await Harness.start();
  folder = await mkdtemp(path.join(os.tmpdir(), 'upstream-credentials-'));
});
after(async () => {
  await harness?.close();
  await rm(folder, { recursive: true, force: true });
});

const models = '[{ name: gpt-4o }, { name: mini, deployment: gpt-4o-mini, baseModel: gpt-4o-mini }]';
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Paris' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
};

test('a key that is changed on both sides while a call is on its way: the call is made once more with the new one', async (t) => {
  const file = path.join(folder, 'rotated');
  await writeFile(file, 'old-key');
  const keys: unknown[] = [];
  const provider = createServer(async (request, response) => {
    keys.push(request.headers['api-key']);
    const first = keys.length === 1;
    if (first) {
      await writeFile(`${file}.new`, 'new-key');
      await rename(`${file}.new`, file);
    }
    response.writeHead(first ? 401 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(first ? { error: { code: '401', message: 'Access denied' } } : completion));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  t.after(() => provider.close());
  const endpoint = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const rotating = `
  - { name: azure, type: azure-openai, endpoint: "${endpoint}", apiKey: { file: ${file} }, models: ${models} }`;
  await harness.apply(rotating);
  const service = await harness.service('upstream-rotating');
  t.after(() => service.stop());
  const answer = await harness.peer.ask({ body: chat('Capital of France?'), attemptsMax: 1 });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(keys, ['old-key', 'new-key']);
  const row = await harness.peer.row(answer.requestId);
  assert.deepEqual(
    row.attempts.map(({ httpStatus }) => httpStatus),
    [401, 200],
  );
  assert.equal(row.status, RequestStatus.COMPLETED);
  assert.equal(row.billed?.prompt, 5);
});

test('a first target without a credential is passed over', async (t) => {
  await harness.apply(harness.provider('azure') + harness.provider('keyless', { keyFile: 'no-such-key' }));
  const service = await harness.service('upstream-keyless');
  t.after(() => service.stop());
  const targets = [target('gpt-4o', { provider: 'keyless' }), target('mini')];
  const answer = await harness.peer.ask({ body: chat('Capital of France?'), targets });
  assert.equal(answer.headers['x-tollgate-model'], 'mini');
  const row = await harness.peer.row(answer.requestId);
  assert.equal(row.attempts[0]?.code, 'misconfigured');
  assert.match(String(JSON.stringify(service.checks())), /degraded.*missing: file .*no-such-key/);
  assert.match(await service.metrics(), /tollgate_upstream_credentials\{standing="missing",service="upstream"\} 1/);
});

describe('keyless Azure', () => {
  let entra: EntraSimulator;
  let simulator: AzureSimulator;
  let tokenFile: string;
  before(async () => {
    entra = await startEntraSimulator();
    simulator = await startAzureSimulator({ tokens: entra });
    tokenFile = path.join(folder, 'azure-identity-token');
    await writeFile(tokenFile, entra.assertion());
  });
  after(() => Promise.all([entra?.close(), simulator?.close()]));

  /** A provider without a key, at the simulator that takes none, and one with a key at the other. */
  const apply = () => {
    const { tenantId, clientId, address } = entra;
    const identity = `{ tenantId: ${tenantId}, clientId: ${clientId}, tokenFile: ${tokenFile}, authority: "${address}" }`;
    return harness.apply(`
  - name: keyless
    type: azure-openai
    endpoint: ${simulator.address}
    credential: { entraWorkloadIdentity: ${identity} }
    models: ${models}${harness.provider('azure')}`);
  };
  const keyless = target('gpt-4o', { provider: 'keyless' });
  const question = { body: chat('Capital of France?') };

  test('calls carry a token of the workload and no key; one that was revoked is replaced within the request', async (t) => {
    await apply();
    const service = await harness.service('upstream-entra');
    t.after(() => service.stop());
    const answer = await harness.peer.ask({ ...question, targets: [keyless] });
    assert.equal(answer.status, 200, answer.text);
    const [call] = simulator.calls();
    assert.equal(call?.headers['api-key'], undefined);
    assert.equal(entra.isValid(String(call?.headers.authorization).replace('Bearer ', '')), true);
    assert.equal(entra.requests.length, 1);
    assert.match(
      await service.metrics(),
      /tollgate_upstream_token_requests_total\{outcome="issued",service="upstream"\} 1/,
    );
    entra.revokeAll();
    const again = await harness.peer.ask({ ...question, targets: [keyless], attemptsMax: 1 });
    assert.equal(again.status, 200, again.text);
    const row = await harness.peer.row(again.requestId);
    assert.deepEqual(
      row.attempts.map(({ httpStatus }) => httpStatus),
      [401, 200],
    );
  });

  test('without a token its models are passed over, and nobody hangs', async (t) => {
    const asked = entra.requests.length;
    const release = entra.hold();
    t.after(release);
    await apply();
    // A start waits until it is known what its first token comes to.
    const starting = harness.service('upstream-waiting');
    await entra.waitForRequests(asked + 1);
    entra.refuse({ status: 400, error: 'unauthorized_client', description: 'AADSTS700016: secret text' });
    release();
    const service = await starting;
    t.after(() => service.stop());
    t.after(() => entra.refuse(undefined));
    const answer = await harness.peer.ask({ ...question, targets: [keyless, target('mini')] });
    assert.equal(answer.headers['x-tollgate-model'], 'mini');
    const row = await harness.peer.row(answer.requestId);
    assert.equal(row.attempts[0]?.code, 'misconfigured');
    await assert.rejects(
      harness.peer.ask({ ...question, targets: [keyless] }),
      /upstream_misconfigured the token endpoint answered 400 unauthorized_client AADSTS700016$/,
    );
    assert.match(JSON.stringify(service.checks()), /degraded.*missing: the token endpoint answered 400/);
  });

  test('a token that is on its way is waited for until its attempt is over', async (t) => {
    await harness.apply();
    const service = await harness.service('upstream-late');
    t.after(() => service.stop());
    const asked = entra.requests.length;
    const release = entra.hold();
    t.after(release);
    await apply();
    await entra.waitForRequests(asked + 1);
    const targets = [keyless, target('mini')];
    const late = await harness.peer.ask({ ...question, targets, deadlineAtMs: Date.now() + 400 });
    assert.equal(late.headers['x-tollgate-model'], 'mini');
    assert.equal((await harness.peer.row(late.requestId)).attempts[0]?.code, 'timeout');
    const waiting = harness.peer.ask({ ...question, targets });
    release();
    assert.equal((await waiting).headers['x-tollgate-model'], 'gpt-4o');
  });
});
