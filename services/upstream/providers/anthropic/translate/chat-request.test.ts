import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { translate } from './translate.ts';

const user = { role: 'user', content: 'Hello' };
const claude = 'claude-sonnet-4-5';

function translated(body: object, fields: { baseModel?: string; outputTokensMax?: number } = {}) {
  const { baseModel = claude, outputTokensMax } = fields;
  const call = {
    surface: Surface.CHAT_COMPLETIONS,
    body: Buffer.from(JSON.stringify(body)),
    target: { deployment: 'claude-sonnet-4-5-20250929', baseModel },
    outputTokensMax,
    nowMs: 0,
  };
  const translation = translate(call);
  return JSON.parse(String(translation?.body));
}

const asked = (more: object, fields?: Parameters<typeof translated>[1]) =>
  translated({ model: 'x', messages: [user], ...more }, fields);

test('the least: the deployment, a limit that Anthropic requires, the text', () => {
  assert.deepEqual(asked({}), {
    model: 'claude-sonnet-4-5-20250929',
    max_tokens: 8192,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  });
});

test('the output limit is the caller’s, else the model’s of the configuration', () => {
  assert.equal(asked({}, { outputTokensMax: 64_000 }).max_tokens, 64_000);
  assert.equal(asked({ max_tokens: 10 }, { outputTokensMax: 64_000 }).max_tokens, 10);
  assert.equal(asked({ max_tokens: 10, max_completion_tokens: 20 }).max_tokens, 20);
});

test('system and developer messages are the system, wherever they stand; turns of one role are one', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'developer', content: [{ type: 'text', text: 'Speak French.', cache_control: { type: 'ephemeral' } }] },
    user,
    { role: 'system', content: 'And kind.' },
    { role: 'user', content: 'You there?' },
    { role: 'assistant', content: '' },
    { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
    user,
  ];
  const { system, messages: turns } = translated({ model: 'x', messages });
  assert.deepEqual(system, [
    { type: 'text', text: 'Be brief.' },
    { type: 'text', text: 'Speak French.', cache_control: { type: 'ephemeral' } },
    { type: 'text', text: 'And kind.' },
  ]);
  const text = (words: string) => ({ type: 'text', text: words });
  assert.deepEqual(turns, [
    { role: 'user', content: [text('Hello'), text('You there?')] },
    { role: 'assistant', content: [text('No.')] },
    { role: 'user', content: [text('Hello')] },
  ]);
});

test('calls of tools and their results, in parallel', () => {
  const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'f', arguments: text } });
  const messages = [
    user,
    { role: 'assistant', content: null, tool_calls: [call('call_1', '{"a":1}'), call('call:2', '')] },
    { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
    { role: 'tool', tool_call_id: 'call:2', content: [{ type: 'text', text: 'late' }] },
    { role: 'user', content: 'So?' },
  ];
  const { messages: turns } = translated({ model: 'x', messages });
  assert.deepEqual(turns.slice(1), [
    {
      role: 'assistant',
      content: [
        { type: 'tool_use', id: 'call_1', name: 'f', input: { a: 1 } },
        { type: 'tool_use', id: 'call_2', name: 'f', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'call_1', content: [{ type: 'text', text: 'sunny' }] },
        { type: 'tool_result', tool_use_id: 'call_2', content: [{ type: 'text', text: 'late' }] },
        { type: 'text', text: 'So?' },
      ],
    },
  ]);
});

test('images and PDF files, as data or by URL', () => {
  const content = [
    { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=', detail: 'low' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
    { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' } },
  ];
  assert.deepEqual(asked({ messages: [{ role: 'user', content }] }).messages[0].content, [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
    { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' }, title: 'a.pdf' },
  ]);
});

const weather = { name: 'get_weather', description: 'Now.', parameters: { properties: { city: { type: 'string' } } } };
const tools = [
  { type: 'function', function: { ...weather, strict: true } },
  { type: 'function', function: { name: 'now' } },
];

test('tools, and which of them must be called', () => {
  const { tools: told, tool_choice: choice } = asked({ tools });
  assert.deepEqual(told, [
    {
      name: 'get_weather',
      description: 'Now.',
      input_schema: { type: 'object', properties: { city: { type: 'string' } } },
      strict: true,
    },
    { name: 'now', input_schema: { type: 'object', properties: {} } },
  ]);
  assert.equal(choice, undefined);
  const choiceOf = (more: object) => asked({ tools, ...more }).tool_choice;
  assert.deepEqual(choiceOf({ tool_choice: 'none' }), { type: 'none' });
  assert.deepEqual(choiceOf({ tool_choice: 'required' }), { type: 'any' });
  assert.deepEqual(choiceOf({ parallel_tool_calls: false }), { type: 'auto', disable_parallel_tool_use: true });
  assert.deepEqual(
    choiceOf({ tool_choice: { type: 'function', function: { name: 'now' } }, parallel_tool_calls: false }),
    { type: 'tool', name: 'now', disable_parallel_tool_use: true },
  );
  assert.equal(asked({ tools: [], tool_choice: 'none' }).tool_choice, undefined);
});

test('sampling, stops, tiers, schemas, and what is Anthropic’s own', () => {
  const schema = { type: 'object', properties: {}, additionalProperties: false };
  const body = asked({
    temperature: 1.6,
    top_p: 0.5,
    stop: 'END',
    service_tier: 'default',
    response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } },
    top_k: 5,
    stream: true,
    stream_options: { include_usage: true },
  });
  assert.equal(body.temperature, 1, 'Anthropic’s ends there');
  assert.equal(body.top_p, 0.5);
  assert.deepEqual(body.stop_sequences, ['END']);
  assert.equal(body.service_tier, 'standard_only');
  assert.deepEqual(body.output_config, { format: { type: 'json_schema', schema } });
  assert.equal(body.top_k, 5);
  assert.equal(body.stream, true);
  assert.equal(body.stream_options, undefined);
  assert.deepEqual(asked({ stop: ['a', 'b'], temperature: 0 }).stop_sequences, ['a', 'b']);
});

test('what says nothing new, or changes no answer, is left out', () => {
  const more = {
    ...{ n: 1, logprobs: false, logit_bias: {}, presence_penalty: 0, frequency_penalty: 0, store: false },
    ...{ modalities: ['text'], user: 'u', metadata: { a: 'b' }, prompt_cache_key: 'k', seed: null },
    ...{ prediction: { type: 'content', content: 'x' }, response_format: { type: 'text' } },
  };
  assert.deepEqual(asked(more), asked({}));
});

const refused: [param: string, body: object][] = [
  ['logprobs', { logprobs: true }],
  ['top_logprobs', { top_logprobs: 2 }],
  ['n', { n: 2 }],
  ['logit_bias', { logit_bias: { 50: 1 } }],
  ['seed', { seed: 1 }],
  ['presence_penalty', { presence_penalty: 0.1 }],
  ['frequency_penalty', { frequency_penalty: 0.1 }],
  ['store', { store: true }],
  ['modalities', { modalities: ['text', 'audio'] }],
  ['functions', { functions: [] }],
  ['web_search_options', { web_search_options: {} }],
  ['service_tier', { service_tier: 'flex' }],
  ['response_format.type', { response_format: { type: 'json_object' } }],
  ['reasoning_effort', { reasoning_effort: 'all' }],
  ['tools[0].type', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
  ['tool_choice.type', { tools, tool_choice: { type: 'allowed_tools' } }],
  ['messages[0].role', { messages: [{ role: 'function', name: 'f', content: '' }] }],
  ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }],
  [
    'messages[0].content[0].file.file_id',
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
  ],
  ['some_new_thing', { some_new_thing: 1 }],
];

for (const [param, more] of refused) {
  test(`no counterpart: ${param}`, () => {
    assert.throws(() => asked(more), {
      code: 'invalid_request',
      param,
      message: new RegExp(`^"${param.replace(/[[\]]/g, '\\$&')}" `),
    });
  });
}

const malformed: [param: string, body: object][] = [
  ['messages', { messages: 'Hello' }],
  ['messages[0].content', { messages: [{ role: 'user' }] }],
  ['max_tokens', { max_tokens: 0 }],
  [
    'messages[0].tool_calls[0].function.arguments',
    {
      messages: [
        { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{' } }] },
      ],
    },
  ],
  [
    'messages[0].content[0].image_url.url',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] },
  ],
];

for (const [param, more] of malformed) {
  test(`malformed: ${param}`, () => {
    assert.throws(() => asked(more), { code: 'invalid_request', param });
  });
}

test('no error repeats a name of the caller’s that is none', () => {
  assert.throws(
    () => asked({ 'my secret': 1 }),
    (error: Error) => !/secret/.test(error.message + String((error as { param?: string }).param)),
  );
});
