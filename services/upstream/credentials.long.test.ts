import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RequestStatus } from '@tollgate/contracts';
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
