import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readQuestion } from './question.ts';
import { RecentQuestions } from './recent-questions.ts';

test('a reading is the same whether it was kept or not', () => {
  const recent = new RecentQuestions();
  const text = 'What is the capital of France?';
  const read = recent.read(text, 'content');
  assert.equal(recent.take(text, 'content'), read);
  assert.deepEqual(recent.take(text, 'content'), readQuestion(text, 'content'));
});

test('agreements do not share readings, and what is old goes', () => {
  const recent = new RecentQuestions();
  const read = recent.read('Hello', 'exact');
  assert.notEqual(recent.take('Hello', 'content'), read);
  for (let number = 0; number < 512; number++) recent.read(`Question ${number}`, 'exact');
  assert.notEqual(recent.take('Hello', 'exact'), read);
});
