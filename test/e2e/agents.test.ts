import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { claudeCodeBody, claudeCodeHeaders } from '../support/claude-code.ts';
import { codexBody, codexHandshakeHeaders, codexHeaders } from '../support/codex.ts';
import { demoOf } from '../support/demo.ts';
import { errorOf, raw, statusOf } from '../support/raw-http.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// What the coding agents send, replayed. test/long/agents.test.ts runs the agents themselves.

const opus = 'claude-opus-4-8';
const mail = 'ada@example.org';
let system: System;
let azure: RemoteAzureSimulator;
let anthropic: AnthropicSimulator;
let demo: string;
let gatewayUrl: string;
let key: string;

before(async () => {
  system = sharedSystem();
  [{ gatewayUrl }, azure, anthropic, demo] = await Promise.all([
    system.status(),
    system.simulator(),
    startAnthropicSimulator({ models: [{ name: opus }] }),
    demoOf(system),
  ]);
  const keyFile = path.join(system.home, 'agents-anthropic-key');
  await writeFile(keyFile, anthropic.apiKey, { mode: 0o600 });
  const provider = `  - { name: anthropic, type: anthropic, endpoint: ${anthropic.address}, apiKey: { file: ${keyFile} }, models: [${opus}] }\n`;
  const proxy = `      - { name: claude, context: /claude, provider: anthropic, guardrails: [{ piiMasking: { email: true } }] }\n`;
  const price = `  ${opus}: { prompt: 5.00, cachedPrompt: 0.50, cacheWrite: 6.25, completion: 25.00 }\n`;
  await system.apply(
    demo.replace('providers:\n', `${price}providers:\n${provider}`).replace('    proxies:\n', `    proxies:\n${proxy}`),
  );
  await until('all services have the revision', async () => {
    const { ready, services } = await system.status();
    return (ready && services.every((service) => service.ready)) || undefined;
  });
  ({ key } = await system.createKey('engineering', 'coding-agents'));
});
after(async () => {
  await system.apply(demo);
  await anthropic?.close();
});
beforeEach(() => azure.reset());

const post = (at: string, headers: Record<string, string>, body: object) =>
  fetch(`${gatewayUrl}${at}`, {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

async function rowOf(response: Response): Promise<string> {
  const id = response.headers.get('x-request-id');
  return until('the row', async () => {
    const [row] = await system.sql<{ surface: string; status: string }>(
      `SELECT surface, status FROM usage WHERE request_id = '${id}'`,
    );
    return row && `${row.surface} ${row.status}`;
  });
}

/** The last event of a stream of responses, with the whole response. */
async function finished(response: Response): Promise<{ output: Record<string, unknown>[] }> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const [, data = ''] = /^event: response\.completed\ndata: (.*)$/m.exec(text) ?? [];
  return JSON.parse(data).response;
}

test('what Codex sends goes as it came but for what is masked, and so does its next turn', async () => {
  const prompt = `use exec_command with {"cmd":"mail ${mail}"}`;
  const first = await post('/v1/responses', codexHeaders, codexBody('gpt-4o', prompt));
  const { output } = await finished(first);
  assert.deepEqual(
    output.map(({ type }) => type),
    ['reasoning', 'function_call'],
  );
  const [thought, call] = output;
  const result = { type: 'function_call_output', id: 'fco_1', call_id: call?.call_id, output: 'told by a tool' };
  const further = [{ ...thought, content: null }, call as object, result];
  const second = await post('/v1/responses', codexHeaders, codexBody('gpt-4o', prompt, further));
  assert.match(JSON.stringify((await finished(second)).output), /The tool answered: told by a tool/);
  assert.deepEqual([await rowOf(first), await rowOf(second)], ['responses completed', 'responses completed']);

  const calls = await azure.calls({ surface: 'responses' });
  assert.equal(calls.length, 2);
  const { model, ...sent } = JSON.parse(calls[0]?.body ?? '');
  // In what it says of its repository too.
  const masked = JSON.stringify(codexBody(model, prompt)).replaceAll(mail, '[EMAIL_0000]');
  const { model: _asked, ...expected } = JSON.parse(masked);
  assert.deepEqual(sent, expected);
  for (const { headers, body } of calls) {
    assert.ok(!body.includes(mail));
    for (const name of ['authorization', 'session-id', 'originator', 'x-codex-turn-metadata'])
      assert.equal(headers[name], undefined, name);
  }
});

test('a WebSocket is refused at once, wherever it is asked for and whoever asks', async () => {
  const lines = Object.entries(codexHandshakeHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  for (const at of ['/v1/responses', '/enterprise-llm-proxy/v1/responses', '/v1/realtime?model=gpt-4o']) {
    const answer = await raw(gatewayUrl, [`GET ${at} HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n`]);
    assert.equal(statusOf(answer), 426, answer);
    assert.match(answer, /^upgrade: HTTP\/1\.1\r$/im);
    assert.equal(errorOf(answer).code, 'upgrade_required');
  }
});

test('an offer of another protocol is passed over, and a packed body refused by name', async () => {
  const body = Buffer.from(JSON.stringify({ model: 'gpt-4o', input: 'What is the capital of France?' }));
  const request = (length: number, more: string) =>
    `POST /v1/responses HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;
  const offered = await raw(gatewayUrl, [
    request(body.length, 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n'),
    body,
  ]);
  assert.equal(statusOf(offered), 200, offered);
  const packed = zstdCompressSync(body);
  const refused = await raw(gatewayUrl, [request(packed.length, 'content-encoding: zstd\r\n'), packed]);
  assert.deepEqual([statusOf(refused), errorOf(refused).code], [415, 'unsupported_encoding']);
  assert.match(refused, /^accept-encoding: identity\r$/im);
});

test('what Claude Code sends goes as it came but for what is masked, with its betas', async () => {
  const call = await post(
    '/claude/v1/messages?beta=true',
    claudeCodeHeaders,
    claudeCodeBody(opus, `Repeat after me: ${mail}`),
  );
  const text = await call.text();
  assert.equal(call.status, 200, text);
  assert.match(text, /event: message_stop/);
  const {
    max_tokens: _most,
    metadata: _who,
    stream: _how,
    context_management: _what,
    ...asked
  } = claudeCodeBody(opus, 'Hi');
  const count = await post('/claude/v1/messages/count_tokens?beta=true', claudeCodeHeaders, asked);
  assert.ok(((await count.json()) as { input_tokens: number }).input_tokens > 0);
  assert.deepEqual([await rowOf(call), await rowOf(count)], ['messages completed', 'count_tokens completed']);

  const sent = anthropic.calls();
  assert.deepEqual(
    sent.map(({ body }) => JSON.parse(body)),
    [claudeCodeBody(opus, 'Repeat after me: [EMAIL_0000]'), asked],
  );
  for (const { headers } of sent) {
    assert.equal(headers['anthropic-beta'], claudeCodeHeaders['anthropic-beta']);
    for (const name of ['authorization', 'x-claude-code-session-id', 'x-app'])
      assert.equal(headers[name], undefined, name);
  }
});
