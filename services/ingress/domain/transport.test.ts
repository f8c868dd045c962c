import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transportRefusal } from './transport.ts';

test('a handshake for WebSocket is told that HTTP is what is spoken', () => {
  for (const upgrade of ['websocket', 'WebSocket', 'h2c, websocket']) {
    const refusal = transportRefusal('GET', { upgrade, connection: 'Upgrade' });
    assert.equal(refusal?.code, 'upgrade_required');
    assert.equal(refusal.headers?.upgrade, 'HTTP/1.1');
  }
});

test('what only offers another protocol is served', () => {
  assert.equal(transportRefusal('POST', { upgrade: 'h2c' }), undefined);
  assert.equal(transportRefusal('GET', { upgrade: 'h2c' }), undefined);
  // No handshake: that is a GET.
  assert.equal(transportRefusal('POST', { upgrade: 'websocket' }), undefined);
});

test('a packed body is refused by name, a plain one is not', () => {
  for (const encoding of ['zstd', 'gzip', 'br', 'identity, gzip'])
    assert.equal(transportRefusal('POST', { 'content-encoding': encoding })?.code, 'unsupported_encoding');
  for (const headers of [{}, { 'content-encoding': 'identity' }, { 'content-encoding': '' }])
    assert.equal(transportRefusal('POST', headers), undefined);
});
