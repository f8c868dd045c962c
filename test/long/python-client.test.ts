import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { type Doorman, doorman } from '../compat/doorman.ts';
import { type Installation, install } from '../compat/installation.ts';
import { pythonWithClient } from '../compat/python/environment.ts';
import { sharedSystem } from '../support/system.ts';

// The official Python client, as test/compat has those for Node. Where there is no Python it is left out, and says so.

const python = await pythonWithClient();
const skip = python === undefined && 'left out: this machine has no python3 with venv';
const program = path.resolve(import.meta.dirname, '../compat/python/client.py');
const forms = ['OpenAI', 'OpenAI below the context', 'AzureOpenAI'];

interface Outcome {
  answer?: unknown;
  error?: string;
  status?: number;
  code?: string;
}

describe('the official Python client', { skip }, () => {
  let simulator: RemoteAzureSimulator;
  let installation: Installation;
  let door: Doorman;

  before(async () => {
    const system = sharedSystem();
    simulator = await system.simulator();
    installation = await install(system, async (url, key, prompt) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: prompt }] }),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${response.status}`);
    });
    door = await doorman(installation.gatewayUrl);
  });
  after(async () => {
    await door?.close();
    await installation?.restore();
  });

  let number = 0;
  async function ask(form: string, what: string, key = installation.apiKey): Promise<Outcome> {
    const asked = { url: door.url, context: 'enterprise-llm-proxy', key, form, what, number: ++number };
    const { stdout } = await promisify(execFile)(python as string, [program, JSON.stringify(asked)]);
    return JSON.parse(stdout) as Outcome;
  }

  for (const form of forms) {
    test(`${form}: answers, streams, embeddings, models`, async () => {
      for (const what of ['chat', 'chat_stream', 'responses', 'responses_stream']) {
        assert.match(String((await ask(form, what)).answer), new RegExp(`${what} for ${form}`));
        assert.equal(door.take().length, 1);
      }
      assert.deepEqual(await ask(form, 'embeddings'), { answer: [1536, 1536] });
      const { answer } = await ask(form, 'models');
      assert.ok((answer as string[]).includes('gpt-4o'));
      door.take();
    });
  }

  test('a budget that is used up: RateLimitError, asked once', async () => {
    for (const what of ['chat', 'responses_stream']) {
      const outcome = await ask('OpenAI', what, installation.spentKey);
      assert.deepEqual(outcome, { error: 'RateLimitError', status: 429, code: 'budget_exceeded' });
      assert.equal(door.take().length, 1);
    }
  });

  test('a wrong key: AuthenticationError, asked once', async () => {
    const outcome = await ask('AzureOpenAI', 'chat', `tg_${'0'.repeat(64)}`);
    assert.deepEqual(outcome, { error: 'AuthenticationError', status: 401, code: 'invalid_api_key' });
    assert.equal(door.take().length, 1);
  });

  test('an answer that is garbage, whoever is asked: InternalServerError, asked three times', async (t) => {
    await simulator.addFault({ kind: 'garbage', stream: false });
    t.after(() => simulator.clearFaults());
    const outcome = await ask('OpenAI', 'chat_stream').then(() => ask('AzureOpenAI', 'responses'));
    assert.deepEqual(outcome, { error: 'InternalServerError', status: 502, code: 'upstream_error' });
    assert.equal(door.take().length, 1 + 3);
  });

  test('a stream that broke: APIError, not asked for again', async (t) => {
    await simulator.addFault({ kind: 'cut', stream: true, afterChunks: 2 });
    t.after(() => simulator.clearFaults());
    for (const what of ['chat_stream', 'responses_stream']) {
      const { answer, error } = await ask('AzureOpenAI', what);
      assert.deepEqual([answer, error], [undefined, 'APIError']);
      assert.equal(door.take().length, 1);
    }
  });
});
