import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { listeningInodes, refuseTakenPort } from './port-holder.ts';

test('a listening socket is found by its port', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0',
    '   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0',
    '   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0',
  ].join('\n');
  assert.deepEqual(listeningInodes(table, 8080), ['4711']);
});

test('who holds a taken port is named, and the variable that changes it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  await assert.rejects(refuseTakenPort('127.0.0.1', port, 'TOLLGATE_PORT'), (error: Error) => {
    assert.match(
      error.message,
      new RegExp(`port ${port} is taken by .*\\(process ${process.pid}\\): set TOLLGATE_PORT`),
    );
    return true;
  });
});
