/** Messages as Anthropic's API reference and its guides ("Messages", "Streaming messages", "Tool use", "Extended thinking") show them. */

const usage = {
  input_tokens: 25,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 15,
  service_tier: 'standard',
};

export const textMessage = {
  id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Hello!', citations: null }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage,
};

export const toolMessage = {
  ...textMessage,
  content: [
    { type: 'text', text: "I'll check both." },
    { type: 'tool_use', id: 'toolu_01A09q90qw90lq917835lq9', name: 'get_weather', input: { location: 'Paris' } },
    { type: 'tool_use', id: 'toolu_01B09q90qw90lq917835lq9', name: 'get_time', input: {} },
  ],
  stop_reason: 'tool_use',
};

export const thoughtMessage = {
  ...textMessage,
  content: [
    { type: 'thinking', thinking: '27 * 453 = 12231', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' },
    { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' },
    { type: 'text', text: '12,231' },
  ],
  usage: { ...usage, output_tokens: 40, output_tokens_details: { thinking_tokens: 30 } },
};

interface StreamEvent {
  type: string;
  [member: string]: unknown;
}

/** The bytes of a stream, as Anthropic frames its events. */
export function sse(events: readonly StreamEvent[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

export function start(more: object = {}): StreamEvent {
  const message = { ...textMessage, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 }, ...more };
  return { type: 'message_start', message };
}

export function block(index: number, content: object, ...deltas: object[]): StreamEvent[] {
  return [
    { type: 'content_block_start', index, content_block: content },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

export const text = (...texts: string[]): object[] => texts.map((part) => ({ type: 'text_delta', text: part }));
export const json = (...parts: string[]): object[] =>
  parts.map((part) => ({ type: 'input_json_delta', partial_json: part }));

export const ping: StreamEvent = { type: 'ping' };

export function finish(stopReason: string, outputTokens = 15): StreamEvent[] {
  const delta = { stop_reason: stopReason, stop_sequence: null };
  return [{ type: 'message_delta', delta, usage: { output_tokens: outputTokens } }, { type: 'message_stop' }];
}

export const overloaded: StreamEvent = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
