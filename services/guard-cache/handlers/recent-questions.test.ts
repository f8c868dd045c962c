import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import type { Place } from '../adapters/redis/names.ts';
import { readQuestion } from '../domain/question.ts';
import { RecentQuestions } from './recent-questions.ts';

const place: Place = {
  organizationId: 'acme',
  scopeId: 'team:a',
  proxyId: 'proxy',
  surface: Surface.CHAT_COMPLETIONS,
  fingerprint: new Uint8Array(32).fill(1),
};
const text = 'What is the capital of France?';

/** Looked up twice: the second time it is a repeat. */
function repeated(recent: RecentQuestions) {
  recent.read(place, text, 'content');
  const { repeats } = recent.read(place, text, 'content');
  assert.ok(repeats);
  return repeats;
}

test('a reading is the same whether it was kept or not', () => {
  const recent = new RecentQuestions();
  const { question } = recent.read(place, text, 'content');
  assert.equal(recent.read(place, text, 'content').question, question);
  assert.equal(recent.take(text, 'content'), question);
  assert.deepEqual(recent.take(text, 'content'), readQuestion(text, 'content'));
});

test('agreements do not share readings, and what is old goes', () => {
  const recent = new RecentQuestions();
  const { question } = recent.read(place, 'Hello', 'exact');
  assert.notEqual(recent.take('Hello', 'content'), question);
  const again = recent.read(place, 'Hello', 'exact').question;
  for (let number = 0; number < 512; number++) recent.read(place, `Question ${number}`, 'exact');
  assert.notEqual(recent.take('Hello', 'exact'), again);
});

test('a repeat waits for the answer that is on its way', async () => {
  const recent = new RecentQuestions();
  const asked = repeated(recent);
  const waited = recent.waited(asked);
  recent.take(text, 'content');
  assert.equal(await waited, true);
  assert.equal(asked.isLate, false);
});

test('an answer that came while the repeat was looked up is there', async () => {
  const recent = new RecentQuestions();
  const asked = repeated(recent);
  recent.take(text, 'content');
  assert.equal(await recent.waited(asked), true);
  assert.equal(asked.isLate, false);
});

test('a repeat waits no longer than that, and the next not at all', async () => {
  const recent = new RecentQuestions();
  const asked = repeated(recent);
  assert.equal(await recent.waited(asked), true);
  assert.equal(asked.isLate, true);
  assert.equal(await recent.waited(asked), false);
});

test('no question of another scope, proxy, surface or fingerprint is a repeat', () => {
  const others: Partial<Place>[] = [
    { organizationId: 'other' },
    { scopeId: 'team:b' },
    { proxyId: 'other' },
    { surface: Surface.RESPONSES },
    { fingerprint: new Uint8Array(32).fill(2) },
  ];
  for (const other of others) {
    const recent = new RecentQuestions();
    recent.read(place, text, 'content');
    assert.equal(recent.read({ ...place, ...other }, text, 'content').repeats, undefined);
  }
});
