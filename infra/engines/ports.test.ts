import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, isFree, keptPort } from './ports.ts';

let home: string;
before(() => {
  home = mkdtempSync(path.join(tmpdir(), 'tollgate-ports-'));
});
after(() => rmSync(home, { recursive: true, force: true }));

test('a port is kept while it is free', async () => {
  const first = await keptPort(home, 'nats');
  assert.equal(await keptPort(home, 'nats'), first);
  assert.equal(statSync(path.join(home, 'ports.json')).mode & 0o777, 0o600);
});

test('a port that is taken is chosen again, and the others stay', async (t) => {
  const redis = await keptPort(home, 'redis');
  const taken = await keptPort(home, 'nats');
  const server = createServer().listen(taken, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  assert.equal(await isFree(taken), false);
  assert.notEqual(await keptPort(home, 'nats'), taken);
  assert.equal(await keptPort(home, 'redis'), redis);
});

test('a free port is none that an outgoing connection could be given', {
  skip: process.platform !== 'linux',
}, async () => {
  const [first = 0, last = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);
  for (let times = 0; times < 100; times++) {
    const port = await freePort();
    assert.ok(port < first || port > last, `${port} is in ${first}–${last}`);
  }
});
