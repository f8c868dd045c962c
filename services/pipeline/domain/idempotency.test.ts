import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { idempotencyClaim, isLeave } from './idempotency.ts';

const request = { surface: Surface.CHAT_COMPLETIONS, pathModel: '' };

async function of(change: { body?: Buffer; key?: string; proxy?: string; surface?: Surface; pathModel?: string } = {}) {
  const { body = Buffer.from('{"a":1}'), key = 'k', proxy = 'p', ...rest } = change;
  const claim = await idempotencyClaim({ ...request, ...rest }, key, proxy, body);
  return { key: Buffer.from(claim.key).toString('hex'), body: Buffer.from(claim.body).toString('hex') };
}

test('the same retry is the same claim; another body, surface, proxy or model in the path is not', async () => {
  const first = await of();
  assert.deepEqual(await of({ body: Buffer.from('{"a":1}') }), first);
  for (const change of [
    { body: Buffer.from('{"a":2}') },
    { surface: Surface.RESPONSES },
    { proxy: 'q' },
    { pathModel: 'gpt-4o' },
  ]) {
    const other = await of(change);
    assert.equal(other.key, first.key);
    assert.notEqual(other.body, first.body, JSON.stringify(change));
  }
});

test("the caller's key is in neither digest as it is, and in both", async () => {
  const first = await of();
  const other = await of({ key: 'l' });
  assert.notEqual(other.key, first.key);
  assert.notEqual(other.body, first.body);
});

test('a large body, which is hashed elsewhere, is told apart like a small one', async () => {
  const large = (last: string) => Buffer.concat([Buffer.alloc(1_000_000, 0x61), Buffer.from(last)]);
  assert.deepEqual(await of({ body: large('x') }), await of({ body: large('x') }));
  assert.notDeepEqual(await of({ body: large('x') }), await of({ body: large('y') }));
});

test('who leaves is a caller; a deadline, a stop and a new owner end the request', () => {
  for (const reason of ['client_gone', 'ingress_gone']) assert.ok(isLeave(reason), reason);
  for (const reason of ['', 'deadline', 'superseded', 'shutdown']) assert.ok(!isLeave(reason), reason);
});
