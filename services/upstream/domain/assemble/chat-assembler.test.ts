import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeBytesMax } from '@tollgate/bus';
import type { JsonRecord } from '../json.ts';
import { ChatAssembler } from './chat-assembler.ts';

const usage = { prompt_tokens: 14, completion_tokens: 3, total_tokens: 17 };
const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gpt-4o-2024-11-20' };
const chunk = (delta: JsonRecord | undefined, choice: JsonRecord = {}): JsonRecord => ({
  ...base,
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, ...(delta && { delta }), logprobs: null, finish_reason: null, ...choice }],
  usage: null,
});
const role = chunk({ role: 'assistant', content: '', refusal: null });
const stop = chunk({}, { finish_reason: 'stop' });
const last: JsonRecord = { ...base, choices: [], usage };

function assemble(...chunks: JsonRecord[]): JsonRecord | undefined {
  const assembler = new ChatAssembler();
  for (const one of chunks) assembler.add(structuredClone(one));
  return assembler.finish();
}

const completion = (content: string, message: JsonRecord = {}, choice: JsonRecord = {}): JsonRecord => ({
  ...base,
  object: 'chat.completion',
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
  usage,
});

test('chunks become the completion that JSON would have given', () => {
  assert.deepEqual(
    assemble(role, chunk({ content: 'Pa' }), chunk({ content: 'ris.' }), stop, last),
    completion('Paris.'),
  );
});

test("Azure's chunks about its filter are understood", () => {
  const prompt = {
    choices: [],
    created: 0,
    id: '',
    model: '',
    object: '',
    prompt_filter_results: [{ prompt_index: 0 }],
  };
  const results = { hate: { filtered: false, severity: 'safe' } };
  // The asynchronous filter's verdict has no delta, and comes after the text and after the end.
  const verdict = {
    ...prompt,
    prompt_filter_results: null,
    choices: [{ index: 0, finish_reason: null, content_filter_results: results }],
  };
  assert.deepEqual(assemble(prompt, role, chunk({ content: 'Hi.' }), verdict, stop, verdict, last), {
    ...completion('Hi.', {}, { content_filter_results: results }),
    prompt_filter_results: [{ prompt_index: 0 }],
  });
});

test('reasoning, annotations and log probabilities are kept together', () => {
  const annotation = { type: 'url_citation', url_citation: { url: 'https://example.org' } };
  const one = { logprobs: { content: [{ token: 'a', logprob: -1 }], refusal: null } };
  const two = { logprobs: { content: [{ token: 'b', logprob: -2 }], refusal: null } };
  const chunks = [
    chunk({ reasoning_content: 'I ' }),
    chunk({ reasoning_content: 'think.' }),
    chunk({ content: 'a' }, one),
    chunk({ content: 'b', annotations: [annotation] }, two),
  ];
  assert.deepEqual(
    assemble(role, ...chunks, stop, last),
    completion(
      'ab',
      { reasoning_content: 'I think.', annotations: [annotation] },
      { logprobs: { content: [...one.logprobs.content, ...two.logprobs.content], refusal: null } },
    ),
  );
});

test('what is no whole answer in words is not kept', () => {
  const text = chunk({ content: 'x' });
  const unkept: Record<string, JsonRecord[]> = {
    'cut before its end': [role, text],
    'without usage': [role, text, stop],
    'without text': [role, stop, last],
    'at its length': [role, text, chunk({}, { finish_reason: 'length' }), last],
    'filtered after it had stopped': [role, text, stop, chunk(undefined, { finish_reason: 'content_filter' }), last],
    'a tool call': [
      role,
      chunk({ tool_calls: [{ index: 0, id: 'call_1' }] }),
      chunk({}, { finish_reason: 'tool_calls' }),
      last,
    ],
    'a function call': [role, chunk({ function_call: { name: 'f' } }), stop, last],
    'a refusal': [role, chunk({ refusal: 'No.' }), stop, last],
    sound: [role, chunk({ audio: { id: 'a' } }), text, stop, last],
    'several choices': [role, text, chunk({ content: 'y' }, { index: 1 }), stop, last],
  };
  for (const [why, chunks] of Object.entries(unkept)) assert.equal(assemble(...chunks), undefined, why);
  assert.ok(assemble(role, text, stop, last));
});

test('an answer larger than a hit may send is given up', () => {
  const half = chunk({ content: 'x'.repeat(completeBytesMax / 2) });
  assert.ok(assemble(role, half, half, stop, last));
  assert.equal(assemble(role, half, half, chunk({ content: 'é' }), stop, last), undefined);
});
