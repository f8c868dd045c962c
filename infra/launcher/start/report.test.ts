import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../control/status.ts';
import { report } from './report.ts';

const status: Status = {
  gatewayUrl: 'http://127.0.0.1:8080',
  gatewayTlsUrl: 'https://127.0.0.1:8443',
  consoleUrl: 'http://127.0.0.1:8081',
  ...{ clickhouseUrl: '', natsUrl: '', redisUrl: '', cacheRedisUrl: '', simulatorUrl: null },
  ...{ home: '/home', pid: 1, ready: true, ledger: 'ready', services: [], engines: [] },
};
const said = (change: Partial<Status>, key?: string) =>
  report({
    status: { ...status, ...change },
    ...{ key, model: 'gpt-4o', tokenPlace: '/home/admin-token', selfSigned: true, seconds: 4.25 },
  });

test('a simulator is said before all else, in large letters and with what ends it', () => {
  const [rule = '', first = '', ...lines] = said({ simulatorUrl: 'http://127.0.0.1:9000' }).trim().split('\n');
  assert.match(rule, /^#{60,}$/);
  assert.match(first, /^## {2}A {2}S I M U L A T O R {2}ANSWERS, {2}N O T {2}AZURE OPENAI +##$/);
  assert.match(lines.join('\n'), /http:\/\/127\.0\.0\.1:9000[\s\S]*AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY/);
  assert.equal(lines[2], rule);
  for (const line of [first, ...lines.slice(0, 2)]) assert.equal(line.length, rule.length);
});

test('the real Azure OpenAI is called without a word of a simulator', () => {
  const text = said({});
  assert.match(text, /^\nTollgate is ready \(4\.3 s\)\.\n/);
  assert.doesNotMatch(text, /S I M U L A T O R|simulator|AZURE_OPENAI/);
});

test('the key is in the curl line of the start that made it, and nowhere later', () => {
  assert.match(said({}, 'tg_made'), /shown this once\): {2}tg_made\n[\s\S]*X-API-Key: tg_made"/);
  assert.match(said({}), /npx tollgate keys create[\s\S]*X-API-Key: <your key>"/);
});
