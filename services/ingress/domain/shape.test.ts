import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shapeOfUrl } from './shape.ts';

test("what stands at messages or right below is Anthropic's, whatever comes of it", () => {
  for (const url of ['/v1/messages', '/p/v1/messages/?beta=true', '/v1/messages/count_tokens', '/v1/messages/batches'])
    assert.equal(shapeOfUrl(url), 'anthropic', url);
  for (const url of ['/', '/v1/chat/completions', '/v1/responses?x=/messages', '/messages/a/b', '/v1/messagesx'])
    assert.equal(shapeOfUrl(url), 'openai', url);
});
