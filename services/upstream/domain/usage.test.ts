import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { addTokens, nothingBeside, readAnswerUsage, readUsage } from './usage.ts';

const read = (usage: unknown) => readUsage(usage, nothingBeside);

test('chat and responses say the same in other words', () => {
  const chat = {
    prompt_tokens: 100,
    completion_tokens: 40,
    total_tokens: 140,
    prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 8, accepted_prediction_tokens: 3 },
  };
  const responses = {
    input_tokens: 100,
    output_tokens: 40,
    total_tokens: 140,
    input_tokens_details: { cached_tokens: 64 },
    output_tokens_details: { reasoning_tokens: 8 },
  };
  const tokens = { prompt: 100, completion: 40, cachedPrompt: 64, reasoning: 8 };
  assert.deepEqual(read(chat), { tokens, ...nothingBeside, unknown: [] });
  assert.deepEqual(read(responses), { tokens, ...nothingBeside, unknown: [] });
});

test('what was written to the cache and what was sound, where there was any', () => {
  const prompt = { cached_tokens: 1, cache_write_tokens: 20, audio_tokens: 30 };
  const completion = { reasoning_tokens: 2, audio_tokens: 10, rejected_prediction_tokens: 4 };
  const tokens = { prompt: 100, completion: 40, cachedPrompt: 1, reasoning: 2 };
  const rare = { cacheWritePrompt: 20, audioPrompt: 30, audioCompletion: 10 };
  const chat = {
    prompt_tokens: 100,
    completion_tokens: 40,
    prompt_tokens_details: prompt,
    completion_tokens_details: completion,
  };
  assert.deepEqual(read(chat)?.tokens, { ...tokens, ...rare });
  const responses = {
    input_tokens: 100,
    output_tokens: 40,
    input_tokens_details: prompt,
    output_tokens_details: completion,
  };
  assert.deepEqual(read(responses)?.tokens, { ...tokens, ...rare });
  assert.deepEqual(addTokens({ ...tokens, ...rare }, { ...tokens, audioPrompt: 5 }), {
    ...{ prompt: 200, completion: 80, cachedPrompt: 2, reasoning: 4 },
    ...{ cacheWritePrompt: 20, audioPrompt: 35, audioCompletion: 10 },
  });
});

test('parts are never larger than what they are part of', () => {
  const details = { cached_tokens: 9, cache_write_tokens: 9, audio_tokens: 9 };
  const usage = read({
    prompt_tokens: 5,
    completion_tokens: 2,
    prompt_tokens_details: details,
    completion_tokens_details: details,
  });
  assert.deepEqual(usage?.tokens, {
    ...{ prompt: 5, completion: 2, cachedPrompt: 5, reasoning: 0 },
    ...{ cacheWritePrompt: 5, audioPrompt: 5, audioCompletion: 2 },
  });
});

test('tokens that nobody here knows are told, wherever they stand, by names that are fit to be told', () => {
  const details = {
    image_tokens: 3,
    video_tokens: 0,
    cache_write_tokens: 8,
    cache_write_tokens_details: { ttl_30m_tokens: 5, ttl_12h_tokens: 3 },
    'a secret': 1,
  };
  const usage = read({ prompt_tokens: 50, completion_tokens: 2, prompt_tokens_details: details });
  assert.deepEqual(usage?.unknown, ['image_tokens', 'ttl_12h_tokens', 'other_tokens']);
});

test('what is no usage is undefined', () => {
  for (const value of [null, undefined, {}, { prompt_tokens: -1 }, { prompt_tokens: '5' }, { prompt_tokens: 1.5 }]) {
    assert.equal(read(value), undefined);
  }
});

const tokens = { input_tokens: 5, output_tokens: 2 };
const toolsOf = (output: object[], more: object = {}) =>
  readAnswerUsage(Surface.RESPONSES, { output, usage: tokens, ...more })?.toolCalls;

test("calls of the provider's own tools are counted, those of the caller's are not", () => {
  const search = (type?: string) => ({ type: 'web_search_call', action: type && { type } });
  const code = (id: string) => ({ type: 'code_interpreter_call', container_id: id });
  const shell = (type: string) => ({ type: 'shell_call', environment: { type, container_id: 'a' } });
  const free = ['function_call', 'custom_tool_call', 'mcp_call', 'computer_call', 'message', 'reasoning'];
  assert.deepEqual(toolsOf([...free.map((type) => ({ type })), {}]), {});
  assert.deepEqual(toolsOf([search('search'), search(), search('open_page'), search('find_in_page')]), {
    web_search: 2,
  });
  assert.deepEqual(toolsOf([code('a'), code('b'), code('a')]), { code_interpreter: 2 }, 'by the container');
  assert.deepEqual(toolsOf([shell('local'), shell('container_reference')]), { shell: 1 });
  const others = ['file_search_call', 'image_generation_call', 'new_thing_call', 'Odd Name_call'];
  assert.deepEqual(toolsOf(others.map((type) => ({ type }))), {
    ...{ file_search: 1, image_generation: 1 },
    ...{ new_thing: 1, other: 1 },
  });
});

test("the provider's own count of billable searches wins", () => {
  const output = [{ type: 'web_search_call' }, { type: 'file_search_call' }];
  const told = (num_requests: unknown) => toolsOf(output, { tool_usage: { web_search: { num_requests } } });
  assert.deepEqual(told(3), { web_search: 3, file_search: 1 });
  assert.deepEqual(told(0), { file_search: 1 });
  assert.deepEqual(told('x'), { web_search: 1, file_search: 1 });
});

test('chat tells its searches by its citations, or as Anthropic does', () => {
  const chat = (annotations: object[], usage: object = {}) =>
    readAnswerUsage(Surface.CHAT_COMPLETIONS, {
      choices: [{ message: { content: 'x', annotations } }],
      usage: { prompt_tokens: 5, completion_tokens: 2, ...usage },
    })?.toolCalls;
  assert.deepEqual(chat([]), {});
  assert.deepEqual(chat([{ type: 'url_citation' }, { type: 'url_citation' }]), { web_search: 1 });
  const server_tool_use = { web_search_requests: 2, web_fetch_requests: 0, odd: 7 };
  assert.deepEqual(chat([{ type: 'url_citation' }], { server_tool_use }), { web_search: 2 });
});

test('the tier is the one that the answer names', () => {
  const tier = (service_tier: unknown) =>
    readAnswerUsage(Surface.RESPONSES, { service_tier, usage: tokens })?.serviceTier;
  assert.equal(tier('flex'), 'flex');
  assert.equal(tier(null), '');
  assert.equal(tier(''), '');
  assert.equal(tier('Not a tier!'), 'other');
});
