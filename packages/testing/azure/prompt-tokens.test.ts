import assert from 'node:assert/strict';
import test from 'node:test';
import { promptTokens } from './prompt-tokens.ts';
import { functionTools } from './tools.ts';
import { chatTurns, responseTurns } from './turns.ts';

// Both examples and their figures for gpt-4o (counted and answered by the API) stand in OpenAI's cookbook, "How to
// count tokens with tiktoken".
test('messages cost what the cookbook says', async () => {
  const system = (name: string, content: string) => ({ role: 'system', name, content });
  const messages = [
    {
      role: 'system',
      content: 'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
    },
    system('example_user', 'New synergies will help drive top-line growth.'),
    system('example_assistant', 'Things working well together will increase revenue.'),
    system(
      'example_user',
      "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    ),
    system('example_assistant', "Let's talk later when we're less busy about how to do better."),
    {
      role: 'user',
      content: "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
  ];
  assert.equal(await promptTokens(chatTurns(messages), []), 124);
});

test('tools cost what the cookbook says', async () => {
  const messages = [
    { role: 'system', content: 'You are a helpful assistant that can answer to questions about the weather.' },
    { role: 'user', content: "What's the weather like in San Francisco?" },
  ];
  const tools = functionTools([
    {
      type: 'function',
      function: {
        name: 'get_current_weather',
        description: 'Get the current weather in a given location',
        parameters: {
          type: 'object',
          properties: {
            location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
            unit: {
              type: 'string',
              description: 'The unit of temperature to return',
              enum: ['celsius', 'fahrenheit'],
            },
          },
          required: ['location'],
        },
      },
    },
  ]);
  assert.equal(await promptTokens(chatTurns(messages), tools), 101);
});

test('the same conversation costs the same on both surfaces, images by their detail', async () => {
  const image = (detail: string) => ({ type: 'image_url', image_url: { url: 'data:,', detail } });
  const content = [{ type: 'text', text: 'What is this?' }, image('low'), image('high')];
  const chat = await promptTokens(chatTurns([{ role: 'user', content }]), []);
  assert.equal(chat, 3 + 3 + 1 + 4 + 85 + 765);
  const parts = [
    { type: 'input_text', text: 'What is this?' },
    { type: 'input_image', image_url: 'data:,', detail: 'low' },
    { type: 'input_image', image_url: 'data:,', detail: 'high' },
  ];
  assert.equal(await promptTokens(responseTurns(undefined, [{ role: 'user', content: parts }]), []), chat);
  const twice = await promptTokens(responseTurns('Be brief.', 'What is this?'), []);
  assert.equal(
    twice,
    await promptTokens(
      chatTurns([
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'What is this?' },
      ]),
      [],
    ),
  );
});
