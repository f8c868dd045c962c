import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { sealThought } from './thoughts.ts';
import { translate } from './translate.ts';

function asked(more: object, baseModel = 'claude-sonnet-4-5') {
  const call = {
    surface: Surface.RESPONSES,
    body: Buffer.from(JSON.stringify({ model: 'x', input: 'Hello', ...more })),
    target: { deployment: 'claude', baseModel },
    outputTokensMax: undefined,
    nowMs: 0,
  };
  return JSON.parse(String(translate(call)?.body));
}

const text = (words: string) => ({ type: 'text', text: words });

test('a text, with instructions and an output limit', () => {
  assert.deepEqual(asked({ instructions: 'Be brief.', max_output_tokens: 50, stream: true }), {
    model: 'claude',
    max_tokens: 50,
    system: [text('Be brief.')],
    messages: [{ role: 'user', content: [text('Hello')] }],
    stream: true,
  });
});

test('what an agent tells of itself is left out', () => {
  assert.deepEqual(asked({ client_metadata: { turn: '{"id":1}' }, prompt_cache_key: 'a', store: false }), asked({}));
});

test('items: messages, calls, results, images, files', () => {
  const input = [
    { role: 'developer', content: 'Speak French.' },
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'Weather?' },
        { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'auto' },
        { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' },
        { type: 'input_file', file_url: 'https://example.com/b.pdf' },
      ],
    },
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'Wait.', annotations: [] }],
    },
    { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'get', arguments: '{"a":1}' },
    { type: 'function_call', call_id: 'call_2', name: 'now', arguments: '' },
    { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
    {
      type: 'function_call_output',
      call_id: 'call_2',
      output: [{ type: 'input_image', image_url: 'data:image/png;base64,aGk=' }],
    },
  ];
  const { system, messages } = asked({ input });
  assert.deepEqual(system, [text('Speak French.')]);
  assert.deepEqual(messages, [
    {
      role: 'user',
      content: [
        text('Weather?'),
        { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
        { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' }, title: 'a.pdf' },
        { type: 'document', source: { type: 'url', url: 'https://example.com/b.pdf' } },
      ],
    },
    {
      role: 'assistant',
      content: [
        text('Wait.'),
        { type: 'tool_use', id: 'call_1', name: 'get', input: { a: 1 } },
        { type: 'tool_use', id: 'call_2', name: 'now', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'call_1', content: [text('sunny')] },
        {
          type: 'tool_result',
          tool_use_id: 'call_2',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }],
        },
      ],
    },
  ]);
});

test('thoughts go back as they came, those of others do not', () => {
  const thought = { type: 'thinking', thinking: 'Hm.', signature: 's' };
  const hidden = { type: 'redacted_thinking', data: 'd' };
  const input = [
    { role: 'user', content: 'Hello' },
    { type: 'reasoning', id: 'rs_0', summary: [] },
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAAABof-another-provider' },
    { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: sealThought(thought) },
    { type: 'reasoning', id: 'rs_3', summary: [], encrypted_content: sealThought(hidden) },
    { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: '1' },
  ];
  const { messages, thinking } = asked({ input, reasoning: { effort: 'low' } });
  assert.deepEqual(messages[1].content.slice(0, 2), [thought, hidden]);
  assert.equal(messages[1].content.length, 3);
  assert.deepEqual(thinking, { type: 'enabled', budget_tokens: 2048 });
  const without = input.filter(({ type }) => type !== 'reasoning');
  assert.equal(asked({ input: without, reasoning: { effort: 'low' } }).thinking, undefined);
});

test('a summary that is asked for is shown; it alone asks for thinking', () => {
  const { thinking, output_config: config } = asked({ reasoning: { summary: 'auto' } }, 'claude-opus-4-7');
  assert.deepEqual(thinking, { type: 'adaptive', display: 'summarized' });
  assert.deepEqual(config, { effort: 'medium' });
  assert.equal(asked({ reasoning: { effort: 'low' } }, 'claude-opus-4-7').thinking.display, 'omitted');
});

test('tools and formats stand in places of their own', () => {
  const schema = { type: 'object', properties: {}, additionalProperties: false };
  const body = asked({
    tools: [{ type: 'function', name: 'get', parameters: schema, strict: true }],
    tool_choice: { type: 'function', name: 'get' },
    text: { format: { type: 'json_schema', name: 'x', schema } },
  });
  assert.deepEqual(body.tools, [{ name: 'get', input_schema: schema, strict: true }]);
  assert.deepEqual(body.tool_choice, { type: 'tool', name: 'get' });
  assert.deepEqual(body.output_config, { format: { type: 'json_schema', schema } });
});

test('what says nothing new is left out', () => {
  const more = {
    ...{ store: false, background: false, truncation: 'disabled', top_logprobs: 0, user: 'u', metadata: { a: 'b' } },
    ...{ include: ['reasoning.encrypted_content'], text: { format: { type: 'text' }, verbosity: 'medium' } },
    ...{ previous_response_id: null, reasoning: null },
  };
  assert.deepEqual(asked(more), asked({}));
});

const refused: [param: string, body: object][] = [
  ['previous_response_id', { previous_response_id: 'resp_1' }],
  ['conversation', { conversation: 'conv_1' }],
  ['prompt', { prompt: { id: 'pmpt_1' } }],
  ['store', { store: true }],
  ['background', { background: true }],
  ['truncation', { truncation: 'auto' }],
  ['top_logprobs', { top_logprobs: 1 }],
  ['include', { include: ['message.output_text.logprobs'] }],
  ['text.verbosity', { text: { verbosity: 'low' } }],
  ['text.format.type', { text: { format: { type: 'json_object' } } }],
  ['reasoning.effort', { reasoning: { effort: 'all' } }],
  ['tools[0].type', { tools: [{ type: 'web_search' }] }],
  ['input[0].type', { input: [{ type: 'item_reference', id: 'rs_1' }] }],
  ['input[0].content[0].file_id', { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file_1' }] }] }],
];

for (const [param, more] of refused) {
  test(`no counterpart: ${param}`, () => {
    assert.throws(() => asked(more), { code: 'invalid_request', param });
  });
}
