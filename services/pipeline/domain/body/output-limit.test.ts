import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { Body } from './body.ts';
import { indexBody } from './index-body.ts';
import { maskedBytesMax } from './masked-bytes.ts';
import { withOutputLimit } from './output-limit.ts';

function limited(text: string, surface: Surface = Surface.CHAT_COMPLETIONS, most = 100): string {
  const bytes = Buffer.from(text);
  return withOutputLimit(new Body(bytes, indexBody(bytes, surface)), surface, most).bytes.toString();
}

test('a limit that is larger, or none, becomes what was granted; every other byte stays', () => {
  const cases = [
    ['{ "messages":[], "max_tokens" : 5000 }', '{ "messages":[], "max_tokens" : 100 }'],
    ['{"max_completion_tokens":101,"messages":[]}', '{"max_completion_tokens":100,"messages":[]}'],
    ['{"max_tokens":0,"messages":[]}', '{"max_tokens":100,"messages":[]}'],
    ['{"max_tokens":null,"messages":[]}', '{"max_tokens":100,"messages":[]}'],
    [
      '{"max_tokens":null,"messages":[],"max_completion_tokens":1e3}',
      '{"max_tokens":null,"messages":[],"max_completion_tokens":100}',
    ],
    [
      '{"max_tokens":200,"messages":[],"max_completion_tokens":300}',
      '{"max_tokens":100,"messages":[],"max_completion_tokens":100}',
    ],
    ['{"messages":[]}', '{"max_completion_tokens":100,"messages":[]}'],
  ] as const;
  for (const [before, after] of cases) assert.equal(limited(before), after);
  assert.equal(limited('{"input":"x"}', Surface.RESPONSES), '{"max_output_tokens":100,"input":"x"}');
  assert.equal(
    limited('{"input":"x","max_output_tokens":101}', Surface.RESPONSES),
    '{"input":"x","max_output_tokens":100}',
  );
  assert.equal(
    limited('{"messages":[],"max_tokens":8192,"system":"x"}', Surface.MESSAGES),
    '{"messages":[],"max_tokens":100,"system":"x"}',
  );
  assert.equal(limited('{"messages":[],"max_tokens":0}', Surface.MESSAGES), '{"messages":[],"max_tokens":0}');
  assert.equal(limited('{"messages":[]}', Surface.MESSAGES), '{"max_tokens":100,"messages":[]}');
});

test('a limit that is small enough is left alone, without a copy', () => {
  const bytes = Buffer.from('{"messages":[],"max_tokens":100}');
  const body = new Body(bytes, indexBody(bytes, Surface.CHAT_COMPLETIONS));
  assert.equal(withOutputLimit(body, Surface.CHAT_COMPLETIONS, 100), body);
});

test('the limit and the usage of a stream can both be added, and the model is still found', () => {
  const bytes = Buffer.from('{"messages":[],"stream":true,"model":"gpt-4o"}');
  const body = new Body(bytes, indexBody(bytes, Surface.CHAT_COMPLETIONS));
  const edited = withOutputLimit(body, Surface.CHAT_COMPLETIONS, 7).withUsageInStream();
  const { stream_options, max_completion_tokens } = JSON.parse(edited.bytes.toString());
  assert.deepEqual([stream_options, max_completion_tokens], [{ include_usage: true }, 7]);
  assert.equal(edited.literal(edited.modelSpan()), '"gpt-4o"');
});

test('a body may become longer only where something masks it', () => {
  assert.equal(maskedBytesMax(1600, { guardrails: [] }), 1600);
  const guardrails = [{ kind: 'piiMasking' as const, onError: 'refuse' as const, entities: ['email' as const] }];
  assert.equal(maskedBytesMax(1600, { guardrails }), 1600 + 256 + 100);
});
