import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { ai4, aiSdk } from '../compat/ai-sdk.ts';
import { anthropicForms, claude as model } from '../compat/anthropic.ts';
import { type Client, paths } from '../compat/client.ts';
import { type Doorman, doorman } from '../compat/doorman.ts';
import { type Installation, install } from '../compat/installation.ts';
import { langchainOpenAiForms } from '../compat/langchain.ts';
import { chat, majors, responses } from '../compat/openai.ts';
import { situations } from '../compat/situations.ts';
import { sharedSystem } from '../support/system.ts';

// A Claude model at the root: Anthropic's own client, and those of OpenAI's surfaces, for whom it is translated.

const [openai7] = majors;
const provider = 'anthropic';
const base = '/v1';
const openai = {
  model,
  provider,
  name: 'OpenAI for Claude',
  of: ({ url, apiKey, retries: maxRetries }) => new OpenAI({ baseURL: `${url}${base}`, apiKey, maxRetries }),
} as const satisfies Omit<Parameters<typeof chat>[1], 'path'>;
const ai = (kind: 'chat' | 'responses', surface: string) =>
  aiSdk(ai4, kind, {
    model,
    provider,
    name: 'OpenAI for Claude',
    of: ({ url, apiKey }) => ai4.openai({ baseURL: `${url}${base}`, apiKey }),
    path: paths(base, surface),
  });

const clients: Client[] = [
  ...anthropicForms(''),
  chat(openai7, { ...openai, path: paths(base, '/chat/completions') }),
  responses(openai7, { ...openai, path: paths(base, '/responses') }),
  ai('chat', '/chat/completions'),
  ai('responses', '/responses'),
  ...langchainOpenAiForms(base, model, provider),
];

let installation: Installation;

before(async () => {
  // One that sets no bound on its answer.
  const client = clients.find(({ name }) => name.startsWith('openai'));
  assert.ok(client);
  const ask = (url: string, apiKey: string, prompt: string) => client.json({ url, apiKey }, prompt);
  installation = await install(sharedSystem(), ask, 'claude');
});
after(() => installation?.restore());

situations(clients, () => installation);

describe('a tool is called, and its result is answered', () => {
  const parameters = { type: 'object' as const, properties: { city: { type: 'string' as const } } };
  const description = 'The weather of a city';
  const prompt = 'call weather with {"city":"Paris"}';
  const answered = /The tool answered: sunny in Paris/;
  const weather = ({ city }: { city: string }) => `sunny in ${city}`;
  const tools = {
    weather: tool({ description, inputSchema: jsonSchema<{ city: string }>(parameters), execute: weather }),
  };
  const functionTool = { type: 'function' as const, name: 'weather', description, parameters, strict: false };

  /** With two requests: one for the call, one with its result. */
  const tried = (name: string, does: (place: { baseURL: string; apiKey: string }) => Promise<string>) =>
    test(name, async (t) => {
      const door: Doorman = await doorman(installation.gatewayUrl);
      t.after(() => door.close());
      assert.match(await does({ baseURL: `${door.url}${base}`, apiKey: installation.apiKey }), answered);
      assert.equal(door.take().length, 2);
    });

  for (const stream of [false, true]) {
    const how = stream ? 'a stream' : 'JSON';

    tried(`openai 7, chat, ${how}`, async (place) => {
      const run = {
        type: 'function' as const,
        function: { name: 'weather', description, parameters, parse: JSON.parse, function: weather },
      };
      const asked = { model, messages: [{ role: 'user' as const, content: prompt }], tools: [run] };
      const { completions } = new OpenAI(place).chat;
      const runner = stream ? completions.runTools({ ...asked, stream: true }) : completions.runTools(asked);
      return (await runner.finalContent()) ?? '';
    });

    tried(`openai 7, responses, ${how}`, async (place) => {
      const client = new OpenAI(place);
      const ask = async (input: OpenAI.Responses.ResponseInput) => {
        const body = { model, input, tools: [functionTool] };
        return stream ? client.responses.stream(body).finalResponse() : client.responses.create(body);
      };
      const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: prompt }];
      const { output } = await ask(input);
      const call = output.find((item) => item.type === 'function_call');
      assert.ok(call?.type === 'function_call');
      const result = {
        type: 'function_call_output' as const,
        call_id: call.call_id,
        output: weather(JSON.parse(call.arguments)),
      };
      return (await ask([...input, ...(output as OpenAI.Responses.ResponseInput), result])).output_text;
    });

    for (const kind of ['chat', 'responses'] as const) {
      tried(`AI SDK 4, ${kind}, ${how}`, async (place) => {
        const asked = { model: ai4.openai(place)[kind](model), prompt, tools, stopWhen: stepCountIs(2) };
        return stream ? await streamText(asked).text : (await generateText(asked)).text;
      });

      tried(`LangChain, ${kind}, ${how}`, async ({ apiKey, ...configuration }) => {
        const plain = new ChatOpenAI({ model, apiKey, configuration, useResponsesApi: kind === 'responses' });
        const bound = plain.bindTools([{ type: 'function', function: { name: 'weather', description, parameters } }]);
        const ask = async (messages: Parameters<typeof bound.invoke>[0]) => {
          if (!stream) return bound.invoke(messages);
          const chunks = await bound.stream(messages);
          let whole: Awaited<ReturnType<typeof bound.invoke>> | undefined;
          for await (const chunk of chunks) whole = whole ? whole.concat(chunk) : chunk;
          assert.ok(whole);
          return whole;
        };
        const question = new HumanMessage(prompt);
        const called = await ask([question]);
        const [call] = called.tool_calls ?? [];
        assert.ok(call?.id);
        const content = weather(call.args as { city: string });
        return (await ask([question, called, new ToolMessage({ content, tool_call_id: call.id })])).text;
      });
    }
  }
});
