import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { sharedSystem } from '../support/system.ts';

// With every guardrail of the demo on, a chunk reaches its caller when the provider has it: the provider holds the next one back
// until the caller has read this one, so a gateway that waited for more would wait for ever.

const email = 'jane.doe@example.com';
let gatewayUrl: string;
let key: string;
let simulator: RemoteAzureSimulator;

before(async () => {
  const system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  ({ key } = await system.createKey('product', 'streaming'));
  simulator = await system.simulator();
});

const surfaces = {
  'chat/completions': {
    body: (prompt: string) => ({ messages: [{ role: 'user', content: prompt }] }),
    chunk: /"delta":\{"content":"[^"]/g,
    end: /data: \[DONE\]\n\n$/,
  },
  responses: {
    body: (prompt: string) => ({ input: prompt }),
    chunk: /"type":"response\.output_text\.delta"/g,
    end: /event: response\.completed\n.*\n\n$/,
  },
} as const;

for (const [path, { body, chunk, end }] of Object.entries(surfaces)) {
  test(`${path}: each chunk arrives before the provider has the next one`, { timeout: 60_000 }, async () => {
    // Names without figures, which might be taken for personal data.
    const gate = path.replace('/', '-');
    const prompt = `Repeat that each of these words reaches ${email} of ${gate} alone [[sim ${JSON.stringify({ gate })}]]`;
    const asked = fetch(`${gatewayUrl}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ ...body(prompt), stream: true }),
    });
    await simulator.openGate(gate);
    const response = await asked;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-cache-status'), 'MISS', 'the cache was asked');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = '';
    const chunks = () => text.match(chunk)?.length ?? 0;
    const read = async () => {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: true });
      return !done;
    };
    for (let opened = 1; opened <= 8; opened++) {
      while (chunks() < opened && (await read()));
      assert.equal(chunks(), opened, text);
      if (opened < 8) await simulator.openGate(gate);
    }
    await simulator.openGate(gate, 1000);
    while (await read());
    assert.match(text, end);
    assert.match(text, /EMAIL/, 'the prompt was masked');
    assert.ok(!text.includes(email));
  });
}
