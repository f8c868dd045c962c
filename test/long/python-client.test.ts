import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Doorman, doorman } from '../compat/doorman.ts';
import { type Installation, install } from '../compat/installation.ts';
import { pythonWithClient } from '../compat/python/environment.ts';
import { type Outcome, type PythonClient, pythonClient } from '../compat/python/program.ts';
import { sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// The official Python client, as test/compat has those for Node. Where there is no Python it is left out, and says so.

const python = await pythonWithClient();
const skip = python === undefined && 'left out: this machine has no python3 with venv';
const forms = [
  'OpenAI',
  'OpenAI at /openai',
  'OpenAI at the root',
  'OpenAI below the context',
  'OpenAI at /v1 of the context',
  'AzureOpenAI',
  'AzureOpenAI below the context',
  'AzureOpenAI with a base',
  'AzureOpenAI with a base below the context',
  'AzureOpenAI with a deployment',
  'AzureOpenAI with a deployment below the context',
  'AzureOpenAI with a token',
  'AzureOpenAI with a token below the context',
];
const surfaces = ['chat', 'responses'];
const streams = ['chat_stream', 'responses_stream'];
/** A fault for the provider, in the prompt. */
const fault = (spec: object) => `[[sim ${JSON.stringify(spec)}]]`;

describe('the official Python client', { skip, concurrency: 4 }, () => {
  let installation: Installation;

  before(async () => {
    installation = await install(sharedSystem(), async (url, key, prompt) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: prompt }] }),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${response.status}`);
    });
  });
  after(() => installation?.restore());

  for (const form of forms) {
    // The program answers one question after the other.
    describe(form, { concurrency: 1 }, () => {
      let door: Doorman;
      let client: PythonClient;
      before(async () => {
        door = await doorman(installation.gatewayUrl);
        client = pythonClient(python as string, form);
      });
      after(async () => {
        await client?.close();
        await door?.close();
      });

      const ask = (what: string, prompt = `${what} for ${form}`, key = installation.apiKey, retries?: number) =>
        client.ask({ url: door.url, key, what, prompt, retries });
      /** Asks, and says how often the client did. */
      const asked = async (times: number, outcome: Promise<Outcome>, expected: Outcome) => {
        assert.deepEqual(await outcome, expected);
        assert.equal(door.take().length, times);
      };

      test('answers, streams, helpers, embeddings, models', async () => {
        for (const what of [...surfaces, ...streams, 'helper_stream']) {
          assert.match(String((await ask(what)).answer), new RegExp(`${what} for ${form}`));
          assert.equal(door.take().length, 1);
        }
        await asked(1, ask('parsed', `The weather for ${form}`), { answer: true });
        // Its one deployment makes no embeddings, and has no list of models below it, on Azure either.
        if (form.startsWith('AzureOpenAI with a deployment')) return;
        await asked(1, ask('embeddings'), { answer: [1536, 1536] });
        assert.ok(((await ask('models')).answer as string[]).includes('gpt-4o'));
        assert.equal(door.take().length, 1);
      });

      test('a budget that is used up: RateLimitError, asked once', async () => {
        const refused = { error: 'RateLimitError', status: 429, code: 'budget_exceeded' };
        for (const what of [...surfaces, ...streams])
          await asked(1, ask(what, `A budget for ${form}`, installation.spentKey), refused);
      });

      test('a rate limit: its Retry-After is waited for, or it is a RateLimitError', async () => {
        const rated = await installation.rateLimitedKey();
        const { answer } = await ask('both', `A rate for ${form}`, rated);
        for (const text of answer as string[]) assert.match(text, /A rate for/);
        assert.equal(door.take().length, 3);
        const slow = await installation.slowKey();
        await ask('chat', `The one answer for ${form}`, slow);
        door.take();
        const refused = { error: 'RateLimitError', status: 429, code: 'rate_limit_exceeded' };
        for (const what of [...surfaces, ...streams])
          await asked(1, ask(what, `One too many for ${form}`, slow, 0), refused);
      });

      test('a guardrail that refuses: BadRequestError, asked once', async () => {
        const refused = { error: 'BadRequestError', status: 400, code: 'guardrail_intervened' };
        for (const what of [...surfaces, ...streams])
          await asked(1, ask(what, `Write for ${form} to bob@example.com`), refused);
      });

      test('a wrong key: AuthenticationError, asked once', async () => {
        const refused = { error: 'AuthenticationError', status: 401, code: 'invalid_api_key' };
        await asked(1, ask('chat', 'Who?', `tg_${'0'.repeat(64)}`), refused);
      });

      test('an answer that is garbage, whoever is asked: InternalServerError, asked three times', async () => {
        const prompt = `${fault({ kind: 'garbage' })} Garbage for ${form}`;
        const raised = { error: 'InternalServerError', status: 502, code: 'upstream_error' };
        for (const what of surfaces) await asked(3, ask(what, prompt), raised);
      });

      test('a stream that broke: APIError, not asked for again', async () => {
        const prompt = `${fault({ kind: 'cut', afterChunks: 2 })} A cut for ${form}, long enough to have two chunks`;
        for (const what of [...streams, 'helper_stream']) {
          const { answer, error } = await ask(what, prompt);
          assert.deepEqual([answer, error], [undefined, 'APIError']);
          assert.equal(door.take().length, 1);
        }
      });

      test('a stream that breaks before its first content: as if none had begun', async () => {
        const prompt = `${fault({ kind: 'cut', afterChunks: 0 })} Nothing for ${form}`;
        const raised = { error: 'InternalServerError', status: 502, code: 'upstream_error' };
        for (const what of streams) await asked(3, ask(what, prompt), raised);
      });

      test('a caller that leaves ends the call of the provider', async () => {
        const { azure } = installation;
        const found = (what: string, ended: boolean) =>
          until(`the call: ${what}, ${ended ? 'ended' : 'running'}`, async () =>
            (await azure.calls({ ended })).find(({ body }) => body.includes(what)),
          );
        const waited = `Waited for by Python's <${form}>`;
        const call = ask('chat_cancelled', `${fault({ kind: 'hangBeforeHeaders' })} ${waited}`);
        await found(waited, false);
        client.leave();
        await asked(1, call, { answer: 'CancelledError' });
        assert.equal((await found(waited, true)).aborted, true);
        const read = `Read in part by Python's <${form}>, long enough to have two chunks`;
        const gate = `python-${form}`;
        await azure.openGate(gate);
        await asked(1, ask('stream_left', `${fault({ gate })} ${read}`), { answer: 'left' });
        assert.equal((await found(read, true)).aborted, true);
      });
    });
  }
});
