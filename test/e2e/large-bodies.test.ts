import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { sharedSystem } from '../support/system.ts';

const mib = 1024 * 1024;
const email = 'large.body@example.com';
let gatewayUrl: string;
let key: string;
let simulator: RemoteAzureSimulator;

before(async () => {
  const system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  simulator = await system.simulator();
  key = (await system.createKey('product', 'large-bodies')).key;
});

/** A prompt that is echoed: words, and an address before them, where the simulator still keeps what it got, in the middle and at the end. */
function prompt(bytes: number): string {
  const words = 'lorem ipsum dolor sit amet '.repeat(Math.ceil(bytes / 2 / 27));
  const start = `Repeat: ${email} ${words}${email} ${words}`.slice(0, bytes - email.length - 1);
  return `${start} ${email}`;
}

for (const size of [1.1, 4.1, 15.9]) {
  for (const stream of [false, true]) {
    test(`${size} MiB pass every guard and come back ${stream ? 'streamed' : 'as JSON'}`, async () => {
      const text = prompt(Math.floor(size * mib) - 200);
      const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': key },
        body: JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content: text }] }),
      });
      const body = await response.text();
      assert.equal(response.status, 200, body.slice(0, 500));
      assert.match(response.headers.get('x-cache-status') ?? '', /^(MISS|HIT)$/);
      const answer = stream ? streamedText(body) : (JSON.parse(body).choices[0].message.content as string);
      assert.equal(answer.replaceAll('[EMAIL_0000]', email), text);
      assert.ok(!answer.includes(email));
      assert.ok(!JSON.stringify(await simulator.calls()).includes(email));
    });
  }
}

function streamedText(body: string): string {
  assert.ok(body.trimEnd().endsWith('data: [DONE]'), body.slice(-300));
  const chunks = body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)));
  return chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('');
}
