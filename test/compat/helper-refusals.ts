import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as zod7 from 'openai/helpers/zod';
import * as zod6 from 'openai6/helpers/zod';
import { gpt as model } from './client.ts';
import { type Doorman, doorman } from './doorman.ts';
import { asked, helperForms, Weather } from './helpers.ts';
import type { Installation } from './installation.ts';
import { majors, raises } from './openai.ts';

/** A refusal of what each helper asks, and how often its client asks all in all. */
interface Refusal {
  what: string;
  key(installation: Installation): string | Promise<string>;
  prompt: string;
  raised: 'budget' | 'rateLimit' | 'badRequest' | 'badGateway';
  /** Requests of each helper: one, and one for each time that its client tries again. */
  times: number;
  streamsOnly?: true;
}

const refusals: readonly Refusal[] = [
  { what: 'a budget that is used up', key: ({ spentKey }) => spentKey, prompt: 'A budget', raised: 'budget', times: 1 },
  { what: 'a rate limit', key: spentRate, prompt: 'A rate', raised: 'rateLimit', times: 1 },
  {
    what: 'a guardrail that refuses',
    key: ({ apiKey }) => apiKey,
    prompt: 'Write to bob@example.com',
    raised: 'badRequest',
    times: 1,
  },
  {
    what: 'a stream that breaks before its first content',
    key: ({ apiKey }) => apiKey,
    prompt: '[[sim {"kind":"cut","afterChunks":0}]] Nothing',
    raised: 'badGateway',
    times: 3,
    streamsOnly: true,
  },
];

/** A key whose one request of the minute is made. */
async function spentRate({ slowKey, gatewayUrl }: Installation): Promise<string> {
  const key = await slowKey();
  const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify(asked('The one of the minute')),
  });
  await response.arrayBuffer();
  assert.equal(response.status, 200);
  return key;
}

/**
 * What the helpers of `openai` make of a refusal: the class of the error, and how often they ask.
 * @param installed called within tests, when it is there
 */
export function helperRefusals(installed: () => Installation): void {
  for (const major of majors) {
    const { zodResponseFormat, zodTextFormat } = major.name === 'openai 7' ? zod7 : (zod6 as unknown as typeof zod7);
    for (const [name, of] of helperForms(major)) {
      describe(`helpers of ${name}`, { concurrency: true }, () => {
        for (const { what, key, prompt, raised, times, streamsOnly } of refusals) {
          test(`${what} is the right error of each helper`, async (t) => {
            const door: Doorman = await doorman(installed().gatewayUrl);
            t.after(() => door.close());
            const client = of({ url: door.url, apiKey: await key(installed()) });
            // A rate that is refused is waited for by a client that may try again: that is what test/compat/situations.ts looks at.
            if (raised === 'rateLimit') client.maxRetries = 0;
            const chat = asked(`${prompt} for ${name}`);
            const input = `${prompt} for ${name}`;
            const format = zodTextFormat(Weather, 'weather');
            const { completions } = client.chat;
            const streams = [
              () => completions.stream(chat).finalChatCompletion(),
              () => client.responses.stream({ model, input }).finalResponse(),
              () => completions.runTools({ ...chat, stream: true, tools: [] }).finalContent(),
            ];
            const whole = [
              () => completions.runTools({ ...chat, tools: [] }).finalContent(),
              () => completions.parse({ ...chat, response_format: zodResponseFormat(Weather, 'weather') }),
              () => client.responses.parse({ model, input, text: { format } }),
            ];
            for (const ask of streamsOnly ? streams : [...streams, ...whole]) {
              await assert.rejects(ask(), (error) => raises(major.OpenAI)[raised](error));
              assert.equal(door.take().length, times, String(ask));
            }
          });
        }
      });
    }
  }
}
