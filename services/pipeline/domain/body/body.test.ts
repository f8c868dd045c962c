import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { Body } from './body.ts';
import { asForeground } from './foreground.ts';
import { indexBody } from './index-body.ts';

const chat = Surface.CHAT_COMPLETIONS;
const responses = Surface.RESPONSES;

function read(value: unknown, surface: Surface = chat): Body {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return new Body(bytes, indexBody(bytes, surface));
}

test('every text that the model reads is found, and nothing else', () => {
  const body = read({
    model: 'gpt-4o',
    created: 1712345678,
    messages: [
      { role: 'system', content: 'You "help".' },
      {
        role: 'user',
        name: 'jane',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image_url', image_url: { url: 'data:…' } },
        ],
      },
      {
        role: 'assistant',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'result' },
      { role: 'user', content: 'last\nline' },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'f',
          description: 'does f',
          parameters: { type: 'object', properties: { a: { type: 'string', description: 'an a' } } },
        },
      },
    ],
    user: 'end-user',
    stop: ['not a text'],
  });
  assert.deepEqual(body.texts(), [
    'You "help".',
    'look',
    '{"a":1}',
    'result',
    'last\nline',
    'does f',
    'an a',
    'end-user',
  ]);
  assert.equal(body.lastUserText(), 'last\nline');
});

test('responses: a text alone, instructions, items and tool results', () => {
  assert.deepEqual(read({ model: 'm', input: 'Hi', instructions: 'Be kind' }, responses).texts(), ['Hi', 'Be kind']);
  assert.equal(read({ instructions: 'Be kind', input: 'Hi' }, responses).lastUserText(), 'Hi');
  const items = read(
    {
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'one' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'out' },
        { type: 'a_type_of_next_year', words: { deep: ['caught'] } },
        {
          type: 'reasoning',
          id: 'rs_1',
          encrypted_content: 'opaque',
          summary: [{ type: 'summary_text', text: 'thought' }],
        },
      ],
    },
    responses,
  );
  assert.deepEqual(items.texts(), ['one', '{}', 'out', 'caught', 'thought']);
  assert.equal(items.lastUserText(), 'one');
});

test('what says who and where the end user is leaves the house, and counts as text', () => {
  const body = read({ input: 'Hi', user: 'u', metadata: { a: 'm' }, client_metadata: { turn: 'c' } }, responses);
  assert.deepEqual(body.texts(), ['Hi', 'u', 'm', 'c']);
});

test('what the caller calls the prompt in the provider’s cache; what is no text is for the provider to refuse', () => {
  const keyOf = (prompt_cache_key: unknown, surface: Surface = chat) =>
    read({ messages: [], input: 'Hi', prompt_cache_key }, surface).index.promptCacheKey;
  assert.deepEqual([keyOf('thread-1'), keyOf('thread-1', responses)], ['thread-1', 'thread-1']);
  assert.deepEqual([keyOf(undefined), keyOf(null), keyOf(5), keyOf({})], ['', '', '', '']);
});

test('a last user turn of several parts has no plain text', () => {
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'image_url', image_url: { url: 'x' } },
  ];
  assert.equal(read({ messages: [{ role: 'user', content: parts }] }).lastUserText(), '');
});

test('replacing texts leaves every other byte as it came, and offsets stay true', () => {
  const source =
    '{ "messages" : [ {"role":"user","content":"caf\\u00e9 \\"x\\""}, {"role":"user","content":"two"} ],  "seed":1.50, "model":"m" }';
  const masked = read(source).withTexts([
    { index: 1, text: '[EMAIL_0000] – lang' },
    { index: 0, text: 'é' },
  ]);
  assert.equal(
    masked.bytes.toString(),
    source.replace('"caf\\u00e9 \\"x\\""', '"é"').replace('"two"', '"[EMAIL_0000] – lang"'),
  );
  assert.deepEqual(masked.texts(), ['é', '[EMAIL_0000] – lang']);
  assert.equal(masked.lastUserText(), '[EMAIL_0000] – lang');
  const { start, end } = masked.modelSpan();
  assert.equal(masked.bytes.toString('utf8', start, end), '"m"');
});

test('usage is asked for in every stream', () => {
  const added = read('{"messages":[],"stream":true}').withUsageInStream();
  assert.deepEqual(JSON.parse(added.bytes.toString()), {
    stream_options: { include_usage: true },
    messages: [],
    stream: true,
  });
  const merged = read('{"messages":[],"stream_options":{"include_obfuscation":false}}').withUsageInStream();
  assert.deepEqual(JSON.parse(merged.bytes.toString()).stream_options, {
    include_obfuscation: false,
    include_usage: true,
  });
  for (const refused of ['{"include_usage":false}', '{"include_usage":null}', '{}', 'null']) {
    const body = read(`{"messages":[],"stream_options":${refused},"seed":1}`);
    assert.equal(body.index.includeUsage, false, 'the caller is shown none');
    assert.deepEqual(JSON.parse(body.withUsageInStream().bytes.toString()), {
      messages: [],
      stream_options: { include_usage: true },
      seed: 1,
    });
  }
  const asked = read('{"messages":[],"stream_options":{"include_usage":true}}');
  assert.equal(asked.withUsageInStream(), asked);
});

test('brackets and quotes in a string of a member that is stepped over are text', () => {
  for (const inner of ['}', ']', '{', '"}', '},"model":"other","stream":true,"x":{"y":"']) {
    const unknown = { session: 'a', turn: inner, list: [1, inner, inner], last: inner };
    const body = read({ model: 'm', unknown, input: 'ada' }, responses);
    assert.deepEqual(
      body.index.members.map(({ key }) => key),
      ['model', 'unknown', 'input'],
    );
    assert.deepEqual(body.texts(), ['ada']);
  }
});

test('escaped keys are the keys that they stand for', () => {
  const body = read('{"mess\\u0061ges":[{"role":"user","cont\\u0065nt":"hidden"}]}');
  assert.deepEqual(body.texts(), ['hidden']);
});

const refused: [string, string, string][] = [
  ['', 'invalid_json', 'empty'],
  ['{', 'invalid_json', 'cut'],
  ['[1]', 'invalid_request', 'an array'],
  ['"x"', 'invalid_request', 'a string'],
  ['{}', 'invalid_request', 'no messages'],
  ['{"messages":{}}', 'invalid_request', 'messages no array'],
  ['{"messages":[],"stream":"yes"}', 'invalid_request', 'stream no flag'],
  ['{"messages":[],"model":7}', 'invalid_request', 'model no string'],
  ['{"messages":[],"max_tokens":-1}', 'invalid_request', 'a negative limit'],
  ['{"messages":[],"messages":[]}', 'invalid_request', 'a key twice'],
  [`{"messages":${'['.repeat(100)}${']'.repeat(100)}}`, 'invalid_request', 'too deep'],
];
for (const [source, code, what] of refused) {
  test(`${what} is ${code}`, () => assert.throws(() => read(source), { code }));
}

test('an embedding has its texts in input, and tells tokens from them', () => {
  const embeddings = Surface.EMBEDDINGS;
  const one = read({ model: 'e', input: 'a \n b', user: 'jane', dimensions: 8 }, embeddings);
  assert.deepEqual(one.texts(), ['a \n b', 'jane']);
  const { model, user, stream, hasTokens, lastUserText, outputTokensMax } = one.index;
  assert.deepEqual(
    { model, user, stream, hasTokens, lastUserText, outputTokensMax },
    { model: 'e', user: 'jane', stream: false, hasTokens: false, lastUserText: -1, outputTokensMax: 0 },
  );
  assert.deepEqual(read({ input: ['a', 'b'] }, embeddings).texts(), ['a', 'b']);
  assert.equal(read({ input: ['a', 'b'] }, embeddings).index.hasTokens, false);
  for (const input of [
    [1, 2],
    [[1, 2], [3]],
    ['a', [4]],
  ])
    assert.equal(read({ input }, embeddings).index.hasTokens, true, JSON.stringify(input));
  for (const input of [undefined, null, 7, { a: 1 }])
    assert.throws(() => read({ model: 'e', input }, embeddings), { code: 'invalid_request' });
});

test('texts as bytes are the texts, with and without escapes', () => {
  const body = read({ messages: [{ content: 'plain ü' }, { content: 'a "quoted"\n line' }, { content: '' }] });
  assert.deepEqual(
    body.textBytes().map((bytes) => Buffer.from(bytes).toString()),
    body.texts(),
  );
});

test('broken UTF-8 is invalid_json, and no message quotes the body', () => {
  assert.throws(() => indexBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), chat), { code: 'invalid_json' });
  assert.throws(
    () => read('{"secret@example.com"'),
    (error: Error) => !error.message.includes('secret'),
  );
});

test('offsets agree with JSON.parse on many random bodies', () => {
  let seed = 42;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    // The low bits of such a generator repeat after a few steps.
    return (seed >>> 16) % n;
  };
  const value = (depth: number): unknown => {
    const kind = random(depth > 4 ? 4 : 6);
    if (kind === 0) return ['', 'a"b', 'x\\', '\\"', 'ü€😀', '}],{[', ' '][random(7)];
    if (kind === 1) return random(1000) / 8 - 40;
    if (kind === 2) return [true, false, null][random(3)];
    if (kind === 3) return 'plain';
    if (kind === 4) return Array.from({ length: random(4) }, () => value(depth + 1));
    return Object.fromEntries(Array.from({ length: random(4) }, (_, i) => [`k${i}"\\`, value(depth + 1)]));
  };
  for (let round = 0; round < 500; round++) {
    const source = { messages: [value(0), value(0)], other: value(0), tools: value(0), model: 'm' };
    const body = read(JSON.stringify(source, null, random(3)));
    for (const { key, start, end } of body.index.members) {
      assert.deepEqual(JSON.parse(body.bytes.toString('utf8', start, end)), source[key as keyof typeof source]);
    }
    const upper = body.texts().map((text, index) => ({ index, text: `${text}!` }));
    assert.deepEqual(
      body.withTexts(upper).texts(),
      upper.map(({ text }) => text),
    );
  }
});

test('a response goes on: its id and the marks are found, and the provider gets its own name and bare contents', () => {
  const mark = `tge1.azure-east.${'x'.repeat(22)}.`;
  const source = JSON.stringify({
    input: [
      { type: 'reasoning', id: 'rs_1', encrypted_content: `${mark}gAAA.1`, summary: [] },
      { role: 'user', content: 'mail ada@example.org' },
      { type: 'reasoning', id: 'rs_2', encrypted_content: `${mark}gAAA.2`, summary: [] },
      { type: 'reasoning', id: 'rs_3', encrypted_content: 'gAAA.of.nobody', summary: [] },
      { type: 'reasoning', id: 'rs_4', encrypted_content: null },
    ],
    previous_response_id: 'resp_callers',
    model: 'm',
  });
  const body = read(source, responses);
  assert.equal(body.index.previousResponseId, 'resp_callers');
  assert.equal(body.index.stateful, true);
  assert.deepEqual(body.contentMarks(), [mark]);
  const masked = body.withTexts([{ index: 0, text: 'mail [EMAIL_0000]' }]);
  assert.deepEqual(masked.contentMarks(), [mark], 'still found after masking');
  const issued = masked.asIssued('resp_of_the_provider');
  const expected = source
    .replaceAll(mark, '')
    .replace('resp_callers', 'resp_of_the_provider')
    .replace('ada@example.org', '[EMAIL_0000]');
  assert.equal(issued.bytes.toString(), expected);
  const { start, end } = issued.modelSpan();
  assert.equal(issued.bytes.toString('utf8', start, end), '"m"');
  assert.deepEqual(issued.texts(), ['mail [EMAIL_0000]']);
  const contents = read({ input: [{ type: 'reasoning', encrypted_content: `${mark}g` }] }, responses);
  assert.equal(
    contents.asIssued(undefined).bytes.toString(),
    '{"input":[{"type":"reasoning","encrypted_content":"g"}]}',
  );
});

test('items go on by the names that their provider gave them, wherever they stand; what is like a tag elsewhere stays', () => {
  const tag = `~${'x-_0'.repeat(4)}`;
  const source = JSON.stringify({
    input: [
      { type: 'item_reference', id: `msg_1${tag}` },
      { type: 'message', id: `msg_2${tag}`, role: 'assistant', content: `msg_3${tag} ada@example.org` },
      { type: 'function_call', id: `fc_1${tag}`, call_id: `fc_1${tag}`, name: 'f', arguments: `{"id":"msg_4${tag}"}` },
      { type: 'mcp_approval_response', approval_request_id: `mcpr_1${tag}`, approve: true },
      { type: 'item_reference', id: 'msg_5~short' },
      { type: 'item_reference', id: 'msg_6~with+the+wrong' },
    ],
    metadata: { of: `msg_7${tag}` },
    model: 'm',
  });
  const body = read(source, responses);
  assert.deepEqual(body.index.references, [`msg_1${tag}`, 'msg_5~short', 'msg_6~with+the+wrong']);
  assert.equal(body.index.stateful, true);
  const masked = body.withTexts([{ index: 0, text: '[EMAIL_0000]' }]);
  const issued = masked.asIssued(undefined);
  const expected = source
    .replace(`msg_3${tag} ada@example.org`, '[EMAIL_0000]')
    .replaceAll(new RegExp(`("(?:msg_1|msg_2|fc_1|mcpr_1))${tag}"`, 'g'), '$1"');
  assert.equal(issued.bytes.toString(), expected);
  assert.equal(issued.asIssued(undefined).bytes, issued.bytes);
});

test('a conversation, which nobody can make here, is refused by name', () => {
  for (const conversation of ['conv_1', { id: 'conv_1' }, 7])
    assert.throws(
      () => read({ input: 'x', conversation }, responses),
      (error: unknown) =>
        error instanceof TollgateError && error.code === 'invalid_request' && error.param === 'conversation',
    );
  assert.equal(read({ input: 'x', conversation: null }, responses).index.stateful, false);
});

test('encrypted contents bind nothing but responses, and without a mark nothing at all; each keeps the cache away', () => {
  const plain = read({ input: [{ type: 'reasoning', encrypted_content: 'gAAA' }] }, responses);
  assert.deepEqual(plain.contentMarks(), []);
  assert.equal(plain.index.stateful, true);
  assert.equal(read({ input: 'x', previous_response_id: null }, responses).index.stateful, false);
  assert.equal(read({ messages: [], previous_response_id: 'resp_1' }).index.previousResponseId, '');
});

const messages = Surface.MESSAGES;

test('messages: every text that the model reads, in what tools are called with under any name, and nothing else', () => {
  const body = read(
    {
      model: 'claude',
      max_tokens: 1024,
      stream: true,
      system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
      metadata: { user_id: 'user_1' },
      tools: [
        {
          name: 'f',
          description: 'does f',
          input_schema: { type: 'object', properties: { a: { type: 'string', description: 'an a' } } },
          input_examples: [{ name: 'an example' }],
        },
        { type: 'web_search_20250305', name: 'web_search', allowed_domains: ['not.a.text'] },
      ],
      tool_choice: { type: 'tool', name: 'f' },
      stop_sequences: ['not a text'],
      thinking: { type: 'enabled', budget_tokens: 1 },
      messages: [
        { role: 'user', content: 'Hello' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', signature: 'sealed', thinking: 'as the provider said it' },
            { type: 'redacted_thinking', data: 'opaque' },
            { type: 'thinking', thinking: 'not sealed', signature: '' },
            {
              type: 'text',
              text: 'I look.',
              citations: [{ type: 'web', cited_text: 'cited', encrypted_index: 'opaque' }],
            },
            { type: 'tool_use', id: 'toolu_1', name: 'f', input: { name: 'Ada', url: ['u'], deep: { id: 'x', n: 1 } } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [{ type: 'text', text: 'found' }],
              is_error: false,
            },
            { type: 'tool_result', tool_use_id: 'toolu_2', content: 'too' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            {
              type: 'document',
              source: { data: 'a plain document', type: 'text', media_type: 'text/plain' },
              title: 'T',
            },
            { type: 'image', source: { type: 'url', url: 'https://x' } },
            { type: 'a_type_of_next_year', words: { deep: ['caught'] } },
          ],
        },
      ],
    },
    messages,
  );
  assert.deepEqual(body.texts(), [
    ...['Be kind.', 'user_1', 'does f', 'an a', 'an example', 'Hello', 'not sealed', 'I look.', 'cited'],
    ...['Ada', 'u', 'x', 'found', 'too', 'a plain document', 'T', 'caught'],
  ]);
  const { model, stream, outputTokensMax, user, stateful, includeUsage, n } = body.index;
  assert.deepEqual([model, stream, outputTokensMax, user, stateful], ['claude', true, 1024, 'user_1', false]);
  assert.deepEqual([includeUsage, n], [false, 1]);
  const masked = body.withTexts([{ index: 9, text: '[NAME]' }]);
  assert.equal(masked.bytes.toString(), body.bytes.toString().replace('Ada', '[NAME]'), 'and every other byte stays');
});

test('messages: the last user text is what a user said, not what a tool found', () => {
  const last = (content: unknown) => read({ messages: [{ role: 'user', content }] }, messages).lastUserText();
  assert.equal(last('Hi'), 'Hi');
  assert.equal(last([{ type: 'text', text: 'Hi' }]), 'Hi');
  assert.equal(last([{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'found' }]), '');
  assert.equal(read({ system: 'S', messages: [{ role: 'user', content: 'Hi' }] }, messages).lastUserText(), 'Hi');
});

test('messages: state at the provider keeps the cache away; counting is no stream and writes nothing', () => {
  const stateful = (member: object) => read({ messages: [], ...member }, messages).index.stateful;
  assert.deepEqual([stateful({ container: 'c' }), stateful({ mcp_servers: [] }), stateful({})], [true, true, false]);
  const found = [{ type: 'web_search_result', encrypted_content: 'opaque' }];
  assert.ok(stateful({ messages: [{ role: 'user', content: [{ type: 'web_search_tool_result', content: found }] }] }));
  const { index } = read({ messages: [], stream: true, max_tokens: 5 }, Surface.COUNT_TOKENS);
  assert.deepEqual([index.stream, index.outputTokensMax], [false, 0]);
  for (const wrong of [{}, { messages: 'x' }, { messages: [], max_tokens: '5' }, { messages: [], stream: 1 }])
    assert.throws(() => read({ model: 'm', ...wrong }, messages), { code: 'invalid_request' });
});

test('messages: a conversation that the provider keeps, and models that nobody admitted, are refused by name', () => {
  const paramOf = (member: object) => {
    try {
      read({ model: 'm', messages: [], ...member }, messages);
    } catch (error) {
      return (error as TollgateError).param;
    }
    return undefined;
  };
  assert.equal(paramOf({ thread: { type: 'continue', previous_message_id: 'msg_1' } }), 'thread');
  assert.equal(paramOf({ fallbacks: [{ model: 'dearer' }] }), 'fallbacks');
  assert.equal(paramOf({ tools: [{ name: 'f' }, { type: 'advisor_1', model: 'dearer' }] }), 'tools[1].model');
  assert.equal(paramOf({ thread: null, fallbacks: null, tools: [null, { name: 'f' }] }), undefined);
});

test('what runs in the background must be kept, and goes to its provider as a stream that does not', () => {
  const refused = (error: unknown) =>
    error instanceof TollgateError && error.code === 'invalid_request' && error.param === 'background';
  assert.throws(() => read({ input: 'x', background: true, store: false }, responses), refused);
  assert.throws(() => read({ input: 'x', background: 'yes' }, responses), refused);
  assert.equal(read({ input: 'x', background: false, store: false }, responses).index.background, false);
  assert.equal(read({ messages: [], background: true }).index.background, false, 'it is none of that surface');
  for (const [asked, sent] of [
    ['{"background": true, "input":"x"}', '{"stream":true,"background": false, "input":"x"}'],
    ['{"input":"x","stream":false,"background":true}', '{"input":"x","stream":true,"background":false}'],
    ['{"stream":true,"background":true,"store":true}', '{"stream":true,"background":false,"store":true}'],
  ] as const) {
    const body = read(asked, responses);
    assert.equal(body.index.background, true);
    const foreground = asForeground(body);
    assert.equal(foreground.bytes.toString(), sent);
    const model = foreground.modelSpan();
    assert.deepEqual(model, { start: 1, end: 1 }, 'offsets still hold');
  }
});
