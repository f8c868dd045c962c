import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenise } from './tokenise.ts';

const show = (text: string) => tokenise(text).map((token) => `${token.kind}:${token.text}${token.pause}`);

test('case, spaces and final punctuation are accidents', () => {
  assert.deepEqual(show('  Who  is\u00a0it ?!'), ['word:who', 'word:is', 'word:it?']);
  assert.deepEqual(show('WHO ARE YOU THEN?'), show('who are you then?'));
  assert.deepEqual(show('it’s “here”'), ["word:it's", 'quote:here']);
});

test('case stays where it carries the meaning', () => {
  assert.deepEqual(show('Ask the US'), ['word:ask', 'word:the', 'word:US']);
  assert.deepEqual(show('Is it Polish?').at(-1), 'word:Polish?');
  assert.deepEqual(show('5 MB at 5 Mb'), ['number:5', 'word:MB', 'word:at', 'number:5', 'word:Mb']);
  assert.deepEqual(show('the value of G'), ['word:the', 'word:value', 'word:of', 'word:G']);
});

test('code, quotations and indented texts are taken letter by letter', () => {
  assert.deepEqual(show('run `Foo  Bar` now'), ['word:run', 'code:`Foo  Bar`', 'word:now']);
  assert.deepEqual(show('say "Good  Night".'), ['word:say', 'quote:Good  Night.']);
  assert.deepEqual(show("don't say 'Hi There'"), ["word:don't", 'word:say', 'quote:Hi There']);
  assert.deepEqual(show('if a:\n  b()'), ['code:if a:\n  b()']);
});

test('numbers stand apart from their units and prices', () => {
  assert.deepEqual(show('5km, $20, 20€, 15%, -3.5'), [
    'number:5',
    'word:km,',
    'symbol:$',
    'number:20,',
    'number:20',
    'symbol:€,',
    'number:15',
    'symbol:%,',
    'number:-3.5',
  ]);
});

test('symbols that mean something are kept, those of the sentence are taken off', () => {
  assert.deepEqual(show('f(x) = (a+b)*c'), ['symbol:f(x)', 'symbol:=', 'symbol:(a+b)*c']);
  assert.deepEqual(show('it (really) works'), ['word:it', 'symbol:(', 'word:really', 'symbol:)', 'word:works']);
  assert.deepEqual(show('C++ or C# in Node.js'), ['symbol:C++', 'word:or', 'symbol:C#', 'word:in', 'symbol:node.js']);
  assert.deepEqual(show('what is 5!?'), ['word:what', 'word:is', 'symbol:5!?']);
  assert.deepEqual(show('cd ..'), ['word:cd', 'symbol:..']);
});

test('other scripts end their sentences with other characters', () => {
  assert.deepEqual(show('¿Qué?'), ['word:qué?']);
  assert.deepEqual(show('这是真的吗？'), ['word:这是真的吗?']);
  assert.deepEqual(show('cafe\u0301'), ['word:café']);
});
