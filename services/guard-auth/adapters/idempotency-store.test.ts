import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IdempotencyEnd } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import * as given from '../testing/harness.ts';
import type { BudgetStore } from './budget-store.ts';
import { IdempotencyStore } from './idempotency-store.ts';

const { organizationId } = given;
const teamId = 'sample.engineering';
const noBytes = new Uint8Array(0);
let engines: TestEngines;
let budgets: BudgetStore;
let store: IdempotencyStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  budgets = await given.connectStore(engines.redis.url);
});
after(async () => {
  budgets.redis.close();
  await engines.close();
});
beforeEach(async () => {
  await given.reset(budgets);
  store = new IdempotencyStore(budgets.redis, { bytesMax: 100_000 });
});

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

function claim(requestId: string, { key = 'key', body = 'body', team = teamId, abandoned = '' } = {}) {
  return store.claim(organizationId, team, requestId, { key: bytes(key), body: bytes(body), abandoned });
}

function end(requestId: string, change: Partial<IdempotencyEnd> = {}) {
  const of = { requestId, organizationId, teamId, key: bytes('key') };
  return store.end({ ...IdempotencyEnd.decode(noBytes), ...of, ...change });
}

const keys = async () => ((await budgets.redis.command('KEYS', '*idempotency*')) as string[]).sort();
const bytesHeld = async () =>
  Number(await budgets.redis.command('GET', `tg:v1:{${organizationId}}:idempotency:#bytes`));

test('one request holds a key, the same one again too; others learn who', async () => {
  assert.deepEqual(await claim('r1'), { kind: 'claimed' });
  assert.deepEqual(await claim('r1'), { kind: 'claimed' });
  assert.deepEqual(await claim('r2'), { kind: 'running', requestId: 'r1' });
  assert.deepEqual(await claim('r2', { key: 'other' }), { kind: 'claimed' });
  assert.deepEqual(await claim('r3', { team: 'sample.sales' }), { kind: 'claimed' });
  assert.deepEqual(await claim('r2', { body: 'another' }), { kind: 'mismatch' });
});

test('an answer is given to whoever has the same body, and told twice it is kept once', async () => {
  await claim('r1');
  assert.equal(await end('r1', { answer: bytes('answer') }), 0);
  const held = await bytesHeld();
  assert.equal(await end('r1', { answer: bytes('answer') }), 0);
  assert.equal(await bytesHeld(), held);
  const found = await claim('r2');
  assert.ok(found.kind === 'answered');
  assert.equal(Buffer.from(found.answer).toString(), 'answer');
  assert.deepEqual(await claim('r2', { body: 'another' }), { kind: 'mismatch' });
});

test('an answer that is not kept is told of, without it', async () => {
  await claim('r1');
  await end('r1', { unkept: true });
  assert.deepEqual(await claim('r2'), { kind: 'unkept' });
});

test('a call that came to nothing leaves nothing behind', async () => {
  const before = await given.dump(budgets);
  await claim('r1');
  assert.equal(await end('r1'), 0);
  assert.equal(await bytesHeld(), 0);
  await budgets.redis.command('DEL', `tg:v1:{${organizationId}}:idempotency:#bytes`);
  assert.deepEqual(await given.dump(budgets), before);
  assert.deepEqual(await claim('r2', { body: 'another' }), { kind: 'claimed' });
});

test('who holds it no longer changes nothing; it is taken over from the one that was named only', async () => {
  await claim('r1');
  assert.deepEqual(await claim('r3', { abandoned: 'r2' }), { kind: 'running', requestId: 'r1' });
  assert.deepEqual(await claim('r2', { abandoned: 'r1' }), { kind: 'claimed' });
  assert.deepEqual(await claim('r3', { abandoned: 'r1' }), { kind: 'running', requestId: 'r2' });
  assert.equal(await end('r1', { answer: bytes('late') }), undefined);
  assert.equal(await end('r1'), undefined);
  await end('r2', { answer: bytes('answer') });
  const found = await claim('r3', { abandoned: 'r2' });
  assert.ok(found.kind === 'answered', 'what was answered is not taken over');
});

test('everything has a time to live, and nothing tells a key, a team or a body', async () => {
  await claim('r1', { key: 'secret-key', body: 'secret-body' });
  await end('r1', { key: bytes('secret-key'), answer: bytes('answer') });
  for (const key of await keys()) {
    const ttlMs = Number(await budgets.redis.command('PTTL', key));
    assert.ok(ttlMs > 23 * 3_600_000 && ttlMs <= 24 * 3_600_000, key);
  }
  const held = JSON.stringify([await keys(), await given.dump(budgets)]);
  for (const told of ['secret', teamId]) assert.ok(!held.includes(told), told);
});

test('beyond the bound the oldest go, in steps, and are counted', async () => {
  const gone = [];
  for (let at = 0; at < 20; at++) {
    // Of one millisecond none is the older one.
    await delay(2);
    await claim(`r${at}`, { key: `k${at}` });
    gone.push(await end(`r${at}`, { key: bytes(`k${at}`), answer: randomBytes(9_500) }));
  }
  assert.deepEqual(gone, [...Array(10).fill(0), ...Array(10).fill(1)]);
  assert.equal(await bytesHeld(), 100_000);
  assert.deepEqual(await claim('again', { key: 'k9' }), { kind: 'claimed' });
  assert.equal((await claim('again', { key: 'k10' })).kind, 'answered');
});

test('what expired no longer counts', async () => {
  await claim('r1', { key: 'old' });
  const claims = `tg:v1:{${organizationId}}:idempotency:#claims`;
  const [old] = (await budgets.redis.command('ZRANGE', claims, 0, -1)) as string[];
  await budgets.redis.command('ZADD', claims, Date.now() - 24 * 3_600_000 - 1000, old ?? '');
  await claim('r2');
  assert.equal(await bytesHeld(), 1000);
  await end('r2', { answer: bytes('answer') });
  assert.equal(await bytesHeld(), 506);
  assert.equal(await budgets.redis.command('ZCARD', claims), 1);
});
