import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UsageStream } from '../soak/installation/usage-stream.ts';
import { ask, type LoadResult } from '../support/load.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// A stream of usage that takes no more: nothing is called that could not be accounted for, and nothing that was is forgotten.

let system: System;
let stream: UsageStream;
let gatewayUrl: string;
let key: string;

before(async () => {
  system = sharedSystem();
  const status = await system.status();
  ({ gatewayUrl } = status);
  stream = await UsageStream.open(status.natsUrl);
  ({ key } = await system.createKey('product', 'usage-full'));
});
after(async () => {
  await stream?.empty();
  await stream?.close();
});

let asked = 0;
const one = (): Promise<LoadResult> => ask({ gatewayUrl, key }, `Is there room for ${++asked}?`);
const calls = async () => (await (await system.simulator()).calls()).length;
const unready = async () => (await system.status()).services.filter(({ ready }) => !ready).map(({ name }) => name);

test('while USAGE is full callers get 503 and no provider is called; what is held is written when there is room', async () => {
  assert.equal((await one()).status, 200);
  await stream.fill();
  const answers: LoadResult[] = [];
  await until('both that write usage take nothing', async () => {
    answers.push(await one());
    const names = await unready();
    return (names.includes('pipeline') && names.includes('upstream')) || undefined;
  });
  const before = await calls();
  for (let more = 0; more < 5; more++) {
    const { status, code } = await one();
    assert.deepEqual([status, code], [503, 'overloaded']);
  }
  const body = JSON.stringify({ model: 'gpt-4o', input: 'Is there room?' });
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const refused = await fetch(`${gatewayUrl}/v1/responses`, { method: 'POST', headers, body });
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1, 'it says when to come again');
  assert.equal(await calls(), before, 'no provider is called');
  await stream.empty();
  await until('full service', async () => (await one()).status === 200 || undefined);
  for (const { status, code } of answers.filter(({ whole }) => !whole))
    assert.equal(`${status} ${code}`, '503 overloaded');
  const served = answers.filter(({ whole }) => whole).map(({ requestId }) => requestId);
  assert.ok(served.length > 0, 'what was served before anybody knew');
  const list = answers.map(({ requestId }) => `'${requestId}'`).join(',');
  await until('their rows', async () => {
    const rows = await system.sql<{ id: string; n: number }>(
      `SELECT request_id AS id, count() AS n FROM usage WHERE request_id IN (${list}) GROUP BY request_id`,
    );
    for (const { id, n } of rows) assert.equal(Number(n), 1, id);
    return served.every((id) => rows.some((row) => row.id === id)) || undefined;
  });
});
