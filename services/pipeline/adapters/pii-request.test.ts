import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, GuardRequest } from '@tollgate/contracts';
import { encodePiiRequest } from './pii-request.ts';

const address = { requestId: 'r-1', revision: 7, proxy: 'p', guardrail: 2 };

test('bytes as texts are encoded as the wire encodes strings', () => {
  const texts = ['', 'plain', 'ä€😀', 'x'.repeat(127), 'y'.repeat(128), 'z'.repeat(20_000), 'é'.repeat(1_100_000)];
  for (const some of [[], ...texts.map((text) => [text]), texts]) {
    const bytes = encodePiiRequest(
      address,
      some.map((text) => Buffer.from(text)),
    );
    const call = { $case: 'pii' as const, value: { texts: some } };
    assert.deepEqual(
      Buffer.compare(bytes, encode(GuardRequest, { ...address, id: 0, timeoutMs: 0, call })),
      0,
      `${some.length} texts, ${bytes.length} bytes`,
    );
    assert.equal(bytes.byteLength, bytes.buffer.byteLength);
  }
});
