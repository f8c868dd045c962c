import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { type AzureSimulator, startAzureSimulator } from '@tollgate/testing/azure';
import { claudeCode, codex, type Installed, installed } from '../compat/agents/packages.ts';
import { askClaudeCode, askCodex } from '../compat/agents/run.ts';
import { type Doorman, doorman } from '../compat/doorman.ts';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// The coding agents as they are, from npm, against a whole system whose providers speak their protocols. One that cannot be
// fetched here is left out, and says so.

const [claude, openai] = await Promise.all([installed(claudeCode), installed(codex)]);
const skip = (agent: Installed) => 'missing' in agent && `left out: ${agent.missing}`;
const programOf = (agent: Installed) => ('program' in agent ? agent.program : '');

const opus = 'claude-opus-4-8';
const gpt = 'gpt-4o';
const mail = 'ada@example.org';
const paris = 'The capital of France is Paris.';
const question = 'What is the capital of France?';

let system: System;
let anthropic: AnthropicSimulator;
let azure: AzureSimulator;
let door: Doorman;
let keys: Record<'mine' | 'spent' | 'paced', string>;

const configuration = (anthropicKey: string, azureKey: string) => `
organization: sampleorganization
priceList:
  ${gpt}: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
  ${opus}: { prompt: 5.00, cachedPrompt: 0.50, cacheWrite: 6.25, completion: 25.00 }
providers:
  - { name: anthropic, type: anthropic, endpoint: ${anthropic.address}, apiKey: { file: ${anthropicKey} }, models: [${opus}] }
  - { name: azure, type: azure-openai, endpoint: ${azure.address}, apiKey: { file: ${azureKey} }, models: [${gpt}] }
projects:
  - name: sample-project
    teams:
      - { name: mine }
      - { name: spent, limits: [{ requests: 1, window: 1y }] }
      - { name: paced, limits: [{ requests: 20, window: 1m, burst: 1 }] }
    proxies:
      - { name: codex, context: /codex, provider: azure, default: true, guardrails: [{ piiMasking: { email: true } }] }
      - { name: claude, context: /claude, provider: anthropic, guardrails: [{ piiMasking: { email: true } }] }
      - { name: no-mail-codex, context: /no-mail-codex, provider: azure, guardrails: [{ piiMasking: { email: true, mode: block } }] }
      - { name: no-mail-claude, context: /no-mail-claude, provider: anthropic, guardrails: [{ piiMasking: { email: true, mode: block } }] }
`;

before(async () => {
  [system, anthropic, azure] = await Promise.all([
    newSystem(),
    startAnthropicSimulator({ models: [{ name: opus }] }),
    startAzureSimulator(),
  ]);
  await system.start();
  const { gatewayUrl } = await system.status();
  const [anthropicKey, azureKey] = ['anthropic-key', 'azure-key'].map((name) => path.join(system.home, name));
  await writeFile(anthropicKey as string, anthropic.apiKey, { mode: 0o600 });
  await writeFile(azureKey as string, azure.apiKey, { mode: 0o600 });
  await system.apply(configuration(anthropicKey as string, azureKey as string));
  await until('all services have the revision', async () => {
    const { ready, services } = await system.status();
    return (ready && services.every((service) => service.ready)) || undefined;
  });
  const made = ['mine', 'spent', 'paced'].map(async (team) => [team, (await system.createKey(team, 'agents')).key]);
  keys = Object.fromEntries(await Promise.all(made));
  door = await doorman(gatewayUrl);
  const used = await fetch(`${door.url}/v1/responses`, {
    method: 'POST',
    headers: { 'x-api-key': keys.spent, 'content-type': 'application/json' },
    body: JSON.stringify({ model: gpt, input: question }),
  });
  assert.equal(used.status, 200, await used.text());
});
after(async () => {
  await door?.close();
  await system?.remove();
  await Promise.all([anthropic?.close(), azure?.close()]);
});

/** When the rows of a test begin. */
let since: string;
beforeEach(async () => {
  anthropic.reset();
  azure.reset();
  door.take();
  const [row] = await system.sql<{ now: string }>('SELECT toString(now64(3)) AS now');
  since = row?.now ?? '';
});

/** The rows of this test as surface and status, as soon as there are so many. */
async function rows(count: number): Promise<string[]> {
  const found = await until(`${count} rows`, async () => {
    const read = await system.sql<{ surface: string; status: string }>(
      `SELECT surface, status FROM usage WHERE started_at >= '${since}' ORDER BY started_at`,
    );
    return read.length >= count ? read : undefined;
  });
  return found.map(({ surface, status }) => `${surface} ${status}`);
}

/** Uses up what the team `paced` has at once; the next request fits in three seconds. */
async function useUp(): Promise<void> {
  const response = await fetch(`${door.url}/v1/responses`, {
    method: 'POST',
    headers: { 'x-api-key': keys.paced, 'content-type': 'application/json' },
    body: JSON.stringify({ model: gpt, input: question }),
  });
  assert.equal(response.status, 200, await response.text());
  door.take();
}

/** Once for whoever asks first. */
const broken = {
  'a stream that breaks in the middle': { kind: 'cut', afterChunks: 3, count: 1 },
  'a stream that breaks before its first content': { kind: 'cut', afterChunks: 0, count: 1 },
} as const;

describe(`Claude Code ${claudeCode.version}`, { skip: skip(claude) }, () => {
  const ask = (prompt: string, key: keyof typeof keys = 'mine', ...more: string[]) =>
    askClaudeCode(programOf(claude), { url: `${door.url}/claude`, apiKey: keys[key], model: opus }, prompt, ...more);
  const messages = 'POST /claude/v1/messages?beta=true';

  test('an answer, with its betas, in one call and one row', async () => {
    const { code, text } = await ask(question);
    assert.deepEqual([code, text.trim()], [0, paris]);
    assert.deepEqual(door.take(), [messages]);
    const calls = anthropic.calls();
    assert.equal(calls.length, 1);
    assert.match(String(calls[0]?.headers['anthropic-beta']), /claude-code-20250219/);
    assert.deepEqual(await rows(1), ['messages completed']);
  });

  test('its tool is called, and the result read', async () => {
    const { text } = await ask(
      'call Bash with {"command":"echo told-by-a-tool","description":"says"}',
      'mine',
      '--allowedTools',
      'Bash',
    );
    assert.match(text, /The tool answered: told-by-a-tool/);
    assert.deepEqual(door.take(), [messages, messages]);
    assert.deepEqual(await rows(2), ['messages completed', 'messages completed']);
  });

  test('personal data stays here', async () => {
    const { text } = await ask(`Repeat after me: ${mail}`);
    assert.match(text, /Repeat after me: \[EMAIL_\d{4}\]/);
    const [call] = anthropic.calls();
    assert.ok(call && !call.body.includes(mail));
  });

  test('tokens of its context are counted by the provider, a row each, for nothing', async () => {
    const { text } = await ask('/context');
    assert.match(text, /Context Usage/);
    const asked = door.take();
    assert.ok(asked.length > 0);
    assert.ok(asked.every((one) => one === 'POST /claude/v1/messages/count_tokens?beta=true'));
    assert.equal(anthropic.calls().length, asked.length);
    const counted = await rows(asked.length);
    assert.ok(counted.every((row) => row === 'count_tokens completed'));
  });

  test('a budget that is used up is told', async () => {
    const { code, text } = await ask(question, 'spent');
    assert.equal(code, 1);
    assert.match(text, /429.*The requests budget of team spent for 1y/);
    assert.deepEqual(door.take(), [messages]);
    assert.equal(anthropic.calls().length, 0);
    assert.deepEqual(await rows(1), ['messages refused']);
  });

  test('a rate limit is waited for', async () => {
    await useUp();
    const { text } = await ask(question, 'paced');
    assert.equal(text.trim(), paris);
    assert.deepEqual(door.take(), [messages, messages]);
    assert.equal(anthropic.calls().length, 1);
  });

  test('a guardrail that refuses is told', async () => {
    const place = { url: `${door.url}/no-mail-claude`, apiKey: keys.mine, model: opus };
    const { code, text } = await askClaudeCode(programOf(claude), place, `Write to ${mail}`);
    assert.equal(code, 1);
    assert.match(text, /400 The guardrail piiMasking refused this request: it contains personal data \(EMAIL\)/);
    // Of any 400, Anthropic's own too, it thinks that a beta may be the cause, and asks with fewer of them.
    assert.equal(door.take().length, 6);
    assert.equal(anthropic.calls().length, 0);
  });

  for (const [what, fault] of Object.entries(broken)) {
    test(`${what} is asked for once more`, async () => {
      anthropic.addFault(fault);
      const { code, text } = await ask(question);
      assert.deepEqual([code, text.trim()], [0, paris]);
      assert.deepEqual(door.take(), [messages, messages]);
      assert.equal(anthropic.calls().length, 2);
    });
  }
});

describe(`Codex CLI ${codex.version}`, { skip: skip(openai) }, () => {
  const ask = (prompt: string, key: keyof typeof keys = 'mine', options: Parameters<typeof askCodex>[3] = {}) =>
    askCodex(programOf(openai), { url: door.url, apiKey: keys[key], model: gpt }, prompt, options);
  const responses = 'POST /v1/responses';
  const tool = 'use exec_command with {"cmd":"echo told-by-a-tool"}';

  test('an answer, in one call and one row', async () => {
    const { code, text } = await ask(question);
    assert.ok(code === 0 && text.includes(paris), text);
    assert.deepEqual(door.take(), [responses]);
    const [call] = azure.calls();
    const { store, include, client_metadata: metadata } = JSON.parse(call?.body ?? '{}');
    assert.deepEqual([store, include, typeof metadata], [false, ['reasoning.encrypted_content'], 'object']);
    assert.deepEqual(await rows(1), ['responses completed']);
  });

  test('a WebSocket is refused at once, and it goes on over HTTP', async () => {
    const { text } = await ask(question, 'mine', { settings: 'supports_websockets = true' });
    assert.ok(text.includes(paris), text);
    assert.deepEqual(door.take(), ['GET /v1/responses', responses]);
    assert.deepEqual(await rows(1), ['responses completed']);
  });

  test('its tool is called, and the result read', async () => {
    const { text } = await ask(tool);
    assert.match(text, /The tool answered: .*told-by-a-tool/s);
    assert.deepEqual(door.take(), [responses, responses]);
    assert.deepEqual(await rows(2), ['responses completed', 'responses completed']);
  });

  test('personal data stays here', async () => {
    const { text } = await ask(`Repeat after me: ${mail}`);
    assert.match(text, /Repeat after me: \[EMAIL_\d{4}\]/);
    const [call] = azure.calls();
    assert.ok(call && !call.body.includes(mail));
  });

  test('a budget that is used up is told', async () => {
    const { code, text } = await ask(question, 'spent');
    assert.equal(code, 1);
    assert.match(text, /Quota exceeded/);
    assert.deepEqual(door.take(), [responses]);
    assert.equal(azure.calls().length, 0);
    assert.deepEqual(await rows(1), ['responses refused']);
  });

  test('a rate limit is waited for', async () => {
    await useUp();
    azure.reset();
    const { text } = await ask(question, 'paced');
    assert.ok(text.includes(paris), text);
    assert.deepEqual(door.take(), [responses, responses]);
    assert.equal(azure.calls().length, 1);
  });

  test('a guardrail that refuses is told', async () => {
    const place = { url: `${door.url}/no-mail-codex`, apiKey: keys.mine, model: gpt };
    const { code, text } = await askCodex(programOf(openai), place, `Write to ${mail}`);
    assert.equal(code, 1);
    assert.match(text, /The guardrail piiMasking refused this request: it contains personal data \(EMAIL\)/);
    assert.equal(door.take().length, 1);
    assert.equal(azure.calls().length, 0);
  });

  for (const [what, fault] of Object.entries(broken)) {
    test(`${what} is asked for once more`, async () => {
      azure.addFault(fault);
      const { code, text } = await ask(question);
      assert.ok(code === 0 && text.includes(paris), text);
      assert.deepEqual(door.take(), [responses, responses]);
      assert.equal(azure.calls().length, 2);
    });
  }

  test('a model of Anthropic answers it where its tools are functions', async () => {
    const more = ['--disable', 'multi_agent', '-c', 'web_search="disabled"'];
    const place = { url: `${door.url}/claude`, apiKey: keys.mine, model: opus };
    const { text } = await askCodex(programOf(openai), place, tool, { more });
    assert.match(text, /The tool answered: .*told-by-a-tool/s);
    assert.deepEqual(await rows(2), ['responses completed', 'responses completed']);
    assert.equal(anthropic.calls().length, 2);
  });
});
