import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { connect, type LedgerClient } from '@tollgate/ledger';
import { LedgerStore } from './ledger-store.ts';

// A ClickHouse that hangs: it takes every request and answers none.

const server = createServer(() => {});
let client: LedgerClient;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
after(async () => {
  await client.close();
  server.close();
  server.closeAllConnections();
});

test('a probe that hangs is given up, and says so', { timeout: 10_000 }, async () => {
  const store = new LedgerStore(client, { probeMsMax: 50 });
  await assert.rejects(store.probe());
  assert.equal(store.fault, 'ClickHouse does not answer');
});

test('a write that hangs is given up at its signal, before its schema is known too', { timeout: 10_000 }, async () => {
  const store = new LedgerStore(client);
  await assert.rejects(store.insert([], AbortSignal.timeout(50)));
  assert.equal(store.fault, 'ClickHouse does not answer');
});
