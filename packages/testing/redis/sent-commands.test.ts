import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSent } from './sent-commands.ts';

test('a round trip is whatever a client sent, not what its script did with it, nor a sign of life', () => {
  const line = (from: string, command: string) => `+1764158012.123456 [0 ${from}] "${command}" "tg:v1:{bench}:epoch"`;
  assert.deepEqual(
    ['evalsha', 'GET', 'info', 'PING'].map((command) => isSent(line('127.0.0.1:54886', command))),
    [true, true, false, false],
  );
  assert.equal(isSent(line('[::1]:54886', 'get')), true);
  assert.equal(isSent(line('lua', 'get')), false);
  assert.equal(isSent('+OK'), false);
});
