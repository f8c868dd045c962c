import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { GuardReply, GuardRequest } from '@tollgate/contracts';
import { ScanPool, type ScanPoolOptions } from './scan-pool.ts';

let pool: ScanPool | undefined;
afterEach(() => pool?.close());

function open(options: Partial<ScanPoolOptions> = {}): ScanPool {
  pool = new ScanPool({ regions: ['US'], threadsMax: 2, ...options });
  return pool;
}

function order(texts: string[]) {
  const call = { $case: 'pii' as const, value: { texts } };
  const rest = { requestId: 'r', timeoutMs: 0, revision: 1, proxy: 'p', guardrail: 0 };
  const request = GuardRequest.encode({ id: 7, ...rest, call }).finish() as Uint8Array<ArrayBuffer>;
  return { request, kinds: ['email' as const], mode: 'mask' as const };
}

const soon = () => performance.now() + 60_000;

test('a request is scanned from bytes to bytes; threads start with the first one and are bounded', async () => {
  const scans = open();
  assert.equal(scans.threads, 0);
  const text = `${'x'.repeat(1_000_000)} bob@example.com`;
  const reports = await Promise.all(Array.from({ length: 5 }, () => scans.scan(order(['a', text]), soon())));
  assert.equal(scans.threads, 2);
  for (const { reply, entities } of reports) {
    assert.deepEqual(entities, { EMAIL: 1 });
    const { id, result } = GuardReply.decode(reply);
    assert.equal(id, 7);
    const masked = result?.$case === 'pii' ? result.value.masked : [];
    assert.deepEqual(masked, [{ index: 1, text: text.replace('bob@example.com', '[EMAIL_0000]') }]);
  }
});

test('above the bound of bytes: overloaded, and free again afterwards', async () => {
  const scans = open({ bytesMax: 1_500_000 });
  const text = 'x'.repeat(1_000_000);
  const first = scans.scan(order([text]), soon());
  await assert.rejects(scans.scan(order([text]), soon()), { code: 'overloaded', retryAfterMs: 1000 });
  await first;
  await scans.scan(order([text]), soon());
});

test('a scan out of time is ended with its thread, and the next one gets a new thread', async () => {
  const scans = open({ threadsMax: 1 });
  const slow = scans.scan(order(['a@example.com '.repeat(1_000_000)]), performance.now() + 20);
  const waiting = scans.scan(order(['b@example.com']), soon());
  await assert.rejects(slow, { code: 'guard_unavailable', internal: /out of time/ });
  assert.deepEqual((await waiting).entities, { EMAIL: 1 });
});

test('one whose time passed while it waited is not scanned at all', async () => {
  const scans = open({ threadsMax: 1 });
  const late = scans.scan(order(['a@example.com']), performance.now() - 1);
  await assert.rejects(late, { code: 'guard_unavailable', internal: /while waiting/ });
});

test('a thread that fails tells nothing of the text, and is replaced', async () => {
  const scans = open({ threadsMax: 1 });
  const broken = { request: new Uint8Array([0x5a, 0x7f, 1, 2]), kinds: ['email' as const], mode: 'mask' as const };
  await assert.rejects(scans.scan(broken, soon()), (error: Error & { code: string; internal: string }) => {
    assert.equal(error.code, 'guard_unavailable');
    assert.match(error.internal, /^scan failed: \w+$/);
    return true;
  });
  assert.deepEqual((await scans.scan(order(['b@example.com']), soon())).entities, { EMAIL: 1 });
});
