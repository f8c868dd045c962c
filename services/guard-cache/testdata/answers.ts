/** A chat.completion as Azure sends it. */
export const chatAnswer = (content = 'Paris.', message = {}, choice = {}) => ({
  id: 'chatcmpl-first',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'gpt-4o-2024-11-20',
  system_fingerprint: 'fp_1',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content, refusal: null, annotations: [], ...message },
      logprobs: null,
      finish_reason: 'stop',
      ...choice,
    },
  ],
  usage: { prompt_tokens: 14, completion_tokens: 3, total_tokens: 17 },
});

export const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });

/** A response object as Azure sends it. */
export const responseAnswer = (text = 'Paris.', fields = {}) => ({
  id: 'resp_first',
  object: 'response',
  created_at: 1_700_000_000,
  completed_at: 1_700_000_001,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-4o-2024-11-20',
  output: [{ id: 'msg_first', type: 'message', status: 'completed', role: 'assistant', content: [textPart(text)] }],
  usage: {
    input_tokens: 14,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 17,
  },
  ...fields,
});

export const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** A message as Anthropic sends it. */
export const messageAnswer = (text = 'Paris.', fields = {}) => ({
  id: 'msg_first',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 14, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 3 },
  ...fields,
});
