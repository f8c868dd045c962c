import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { Body } from './body/body.ts';
import { indexBody } from './body/index-body.ts';
import { fingerprint } from './fingerprint.ts';

const context = { revision: 1, proxy: 'p', surface: Surface.CHAT_COMPLETIONS, model: 'rotation', protocol: [] };
const base = {
  model: 'a',
  temperature: 0,
  messages: [
    { role: 'system', content: 'S' },
    { role: 'user', content: 'Q' },
  ],
};

async function of(value: object, change = {}, byMeaning = true): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(value));
  return (
    await fingerprint(new Body(bytes, indexBody(bytes, context.surface)), { ...context, ...change }, byMeaning)
  ).toString('hex');
}

test('the last user text, the order of members and how the answer travels do not count', async () => {
  const expected = await of(base);
  assert.equal(
    await of({ ...base, messages: [base.messages[0], { role: 'user', content: 'another question' }] }),
    expected,
  );
  assert.equal(await of({ messages: base.messages, temperature: 0, stream: true, user: 'u', model: 'b' }), expected);
});

test('all that changes the answer counts', async () => {
  const expected = await of(base);
  const others = [
    { ...base, temperature: 1 },
    { ...base, tools: [] },
    { ...base, messages: [{ role: 'system', content: 'T' }, base.messages[1]] },
    { ...base, messages: [...base.messages, { role: 'user', content: 'Q' }] },
    { ...base, response_format: { type: 'json_object' } },
  ];
  for (const other of others) assert.notEqual(await of(other), expected);
  const betas = { protocol: ['2023-06-01', 'a-beta'] };
  for (const change of [{ revision: 2 }, { proxy: 'q' }, { surface: Surface.RESPONSES }, { model: 'x' }, betas]) {
    assert.notEqual(await of(base, change), expected);
  }
});

test('a large body has the same fingerprint whatever its last user text', async () => {
  const large = { ...base, messages: [{ role: 'system', content: 'x'.repeat(2_000_000) }, base.messages[1]] };
  assert.equal(await of(large), await of({ ...large, messages: [large.messages[0], { role: 'user', content: 'R' }] }));
});

test('a text that is not compared by meaning counts like the rest', async () => {
  const other = { ...base, messages: [base.messages[0], { role: 'user', content: 'R' }] };
  assert.notEqual(await of(base, {}, false), await of(other, {}, false));
  assert.notEqual(await of(base, {}, false), await of(base));
});
