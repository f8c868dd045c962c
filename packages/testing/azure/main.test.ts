import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { settingsFrom, variableOf } from './settings.ts';
import { chatBody } from './test-kit.ts';

test('flags and variables say the same, and flags win', () => {
  const env = {
    TOLLGATE_SIM_PORT: '8123',
    TOLLGATE_SIM_API_KEY: 'from-env',
    TOLLGATE_SIM_MODELS: 'gpt-4o,prod-mini=gpt-4o-mini',
    TOLLGATE_SIM_ZERO_DELAY: '1',
  };
  assert.deepEqual(settingsFrom(['--api-key', 'from-flag'], env), {
    zeroDelay: true,
    port: 8123,
    apiKey: 'from-flag',
    deployments: [{ name: 'gpt-4o' }, { name: 'prod-mini', model: 'gpt-4o-mini' }],
  });
  assert.equal(variableOf('first-token-ms'), 'TOLLGATE_SIM_FIRST_TOKEN_MS');
  assert.throws(() => settingsFrom(['--port', 'many'], {}), /--port \(TOLLGATE_SIM_PORT\) is no number: many/);
  assert.throws(() => settingsFrom(['--content-filter', 'none'], {}), /is one of default, asynchronous, off/);
  assert.throws(() => settingsFrom(['--prot', '1'], {}), /Unknown option/);
});

async function start() {
  const env = { TOLLGATE_SIM_API_KEY: 'k', NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
  const child = fork(new URL('./main.ts', import.meta.url), { env, silent: true });
  const [message] = (await once(child, 'message')) as [{ type: string; address: string }];
  assert.equal(message.type, 'ready');
  return { child, address: message.address };
}

test('as its own process it says when it is ready, and ends on SIGTERM', async () => {
  const { child, address } = await start();
  const path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21';
  const init = { method: 'POST', headers: { 'api-key': 'k' }, body: JSON.stringify(chatBody('Hello')) };
  assert.equal((await fetch(address + path, init)).status, 200);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('it ends when its parent is gone', async () => {
  const { child } = await start();
  child.disconnect();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
