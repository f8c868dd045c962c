import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type OpenAI from 'openai';
import * as zod7 from 'openai/helpers/zod';
import * as zod6 from 'openai6/helpers/zod';
import { z } from 'zod';
import { until } from '../support/until.ts';
import { apiVersion, context, gpt as model, type Place } from './client.ts';
import { type Doorman, doorman } from './doorman.ts';
import type { Installation } from './installation.ts';
import { type Major, majors, raises } from './openai.ts';

export type Of = (place: Place) => OpenAI;

export function helperForms({ name, OpenAI, AzureOpenAI }: Major): [string, Of][] {
  return [
    [`${name}, OpenAI`, ({ url, apiKey }) => new OpenAI({ baseURL: `${url}/v1`, apiKey })],
    [
      `${name}, AzureOpenAI below the context`,
      ({ url, apiKey }) => new AzureOpenAI({ endpoint: `${url}/${context}`, apiKey, apiVersion }),
    ],
  ];
}

export const Weather = z.object({ city: z.string(), degrees: z.number(), sunny: z.boolean() });
export const asked = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

/**
 * What `openai` does beyond one call: streams that are put together, tools that are run, answers that are parsed.
 * @param installed called within tests, when it is there
 */
export function helpers(installed: () => Installation): void {
  for (const major of majors) {
    const { zodFunction, zodResponseFormat, zodTextFormat } =
      major.name === 'openai 7' ? zod7 : (zod6 as unknown as typeof zod7);
    for (const [name, of] of helperForms(major)) {
      describe(name, { concurrency: true }, () => {
        /** A test with a door of its own; its client asks as often as `times` says. */
        const helper = (what: string, times: number, does: (client: OpenAI) => Promise<void>) =>
          test(what, async (t) => {
            const door: Doorman = await doorman(installed().gatewayUrl);
            t.after(() => door.close());
            await does(of({ url: door.url, apiKey: installed().apiKey }));
            assert.equal(door.take().length, times);
          });

        helper('chat.completions.stream() puts the answer together, with its usage', 1, async (client) => {
          const pieces: string[] = [];
          const stream = client.chat.completions
            .stream({ ...asked(`A stream to put together for ${name}`), stream_options: { include_usage: true } })
            .on('content', (piece) => pieces.push(piece));
          const completion = await stream.finalChatCompletion();
          assert.match(completion.choices[0]?.message.content ?? '', /A stream to put together/);
          assert.equal(pieces.join(''), completion.choices[0]?.message.content);
          assert.ok(pieces.length > 1);
          const { prompt_tokens, completion_tokens, total_tokens } = (await stream.totalUsage()) ?? {};
          assert.ok(prompt_tokens > 0 && completion_tokens > 0);
          assert.equal(total_tokens, prompt_tokens + completion_tokens);
        });

        helper('responses.stream() does too', 1, async (client) => {
          const pieces: string[] = [];
          const stream = client.responses
            .stream({ model, input: `Responses to put together for ${name}` })
            .on('response.output_text.delta', ({ delta }) => pieces.push(delta));
          const response = await stream.finalResponse();
          assert.match(response.output_text, /Responses to put together/);
          assert.equal(pieces.join(''), response.output_text);
          assert.equal(response.status, 'completed');
          assert.ok((response.usage?.output_tokens ?? 0) > 0);
        });

        helper('runTools() runs what the model calls, and asks again with the result', 2, async (client) => {
          const cities: string[] = [];
          const tool = zodFunction({
            name: 'weather',
            parameters: z.object({ city: z.string() }),
            function: ({ city }) => {
              cities.push(city);
              return `sunny in ${city} for ${name}`;
            },
          });
          const runner = client.chat.completions.runTools({
            ...asked('call weather with {"city":"Paris"}'),
            tools: [tool as never],
          });
          assert.match((await runner.finalContent()) ?? '', /The tool answered: sunny in Paris/);
          assert.deepEqual(cities, ['Paris']);
          assert.equal((await runner.finalFunctionToolCall())?.name, 'weather');
        });

        helper('runTools() streams', 2, async (client) => {
          const cities: unknown[] = [];
          const runner = client.chat.completions.runTools({
            ...asked('call weather with {"city":"Rome"}'),
            stream: true,
            tools: [
              {
                type: 'function',
                function: {
                  name: 'weather',
                  description: 'The weather of a city',
                  parameters: { type: 'object', properties: { city: { type: 'string' } } },
                  parse: JSON.parse,
                  function: ({ city }: { city: string }) => {
                    cities.push(city);
                    return `streamed for ${name}`;
                  },
                },
              },
            ],
          });
          let text = '';
          for await (const chunk of runner) text += chunk.choices[0]?.delta.content ?? '';
          assert.match(text, /The tool answered: streamed for/);
          assert.deepEqual(cities, ['Rome']);
        });

        helper('chat.completions.parse() gives what the schema says', 1, async (client) => {
          const { choices } = await client.chat.completions.parse({
            ...asked(`The weather for ${name}`),
            response_format: zodResponseFormat(Weather, 'weather'),
          });
          assert.ok(Weather.safeParse(choices[0]?.message.parsed).success);
        });

        helper('responses.parse() does too, and as a stream', 2, async (client) => {
          const wanted = {
            model,
            input: `The weather of responses for ${name}`,
            text: { format: zodTextFormat(Weather, 'weather') },
          };
          const response = await client.responses.parse(wanted);
          assert.ok(Weather.safeParse(response.output_parsed).success);
          const streamed = await client.responses.stream(wanted).finalResponse();
          assert.ok(Weather.safeParse(streamed.output_parsed).success);
        });

        helper('parse() says that an answer was cut short, and by what', 2, async (client) => {
          const wanted = { ...asked(`Too long for ${name}`), response_format: zodResponseFormat(Weather, 'weather') };
          const cut = client.chat.completions.parse({ ...wanted, max_completion_tokens: 3 });
          await assert.rejects(cut, (error) => (error as object).constructor.name === 'LengthFinishReasonError');
          const filtered = client.chat.completions.parse({
            ...asked(`[[sim {"kind":"completionFilter"}]] Filtered for ${name}`),
            response_format: zodResponseFormat(Weather, 'weather'),
          });
          await assert.rejects(
            filtered,
            (error) => (error as object).constructor.name === 'ContentFilterFinishReasonError',
          );
        });

        helper('a stream that breaks is an error of each helper', 3, async (client) => {
          const prompt = (what: string) =>
            `[[sim {"kind":"cut","afterChunks":2}]] A cut of ${what} for ${name}, with two chunks`;
          const { broken } = raises(major.OpenAI);
          await assert.rejects(client.chat.completions.stream(asked(prompt('chat'))).finalChatCompletion(), broken);
          await assert.rejects(client.responses.stream({ model, input: prompt('responses') }).finalResponse(), broken);
          const runner = client.chat.completions.runTools({ ...asked(prompt('tools')), stream: true, tools: [] });
          await assert.rejects(runner.finalContent(), broken);
        });

        helper('abort() of a stream ends the call of the provider', 1, async (client) => {
          const { azure } = installed();
          const what = `Left by the helper of <${name}>`;
          const gate = `helper-${name}`;
          await azure.openGate(gate);
          const stream = client.chat.completions.stream(
            asked(`[[sim ${JSON.stringify({ gate })}]] ${what}, long enough to have two chunks`),
          );
          stream.on('content', () => stream.abort());
          await assert.rejects(stream.finalChatCompletion(), major.OpenAI.APIUserAbortError);
          const call = await until('the end of the call', async () =>
            (await azure.calls({ ended: true })).find(({ body }) => body.includes(what)),
          );
          assert.equal(call.aborted, true);
        });
      });
    }
  }
}
