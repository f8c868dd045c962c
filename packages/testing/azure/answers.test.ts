import assert from 'node:assert/strict';
import test from 'node:test';
import { answerText } from './answers.ts';
import { exampleValue } from './schema-values.ts';
import { at } from './test-kit.ts';
import { functionTools, toolCalls } from './tools.ts';

const MODEL = 'gpt-4o-2024-11-20';

test('knows capitals, echoes, and otherwise mentions the model and the first words', () => {
  assert.match(answerText('What is the capital of France?', MODEL), /Paris/);
  const repeat = 'Repeat the email address I just gave you: [EMAIL_0000]';
  assert.equal(answerText(repeat, MODEL), repeat);
  const stable = answerText('Hello !!', MODEL);
  assert.match(stable, /Hello !!/);
  assert.ok(stable.includes(MODEL));
  assert.equal(answerText('Hello !!', MODEL), stable);
  assert.notEqual(answerText('Hello !!', 'gpt-4o-mini-2024-07-18'), stable);
});

test('writes exactly as much as it is told', () => {
  assert.equal(answerText('Write 5 words', MODEL).split(' ').length, 5);
  assert.equal(answerText('Write 1000 words about rivers', MODEL).split(' ').length, 1_000);
  assert.equal(answerText('Write 0 words', MODEL), '');
  assert.equal(answerText('Write 2 MiB', MODEL).length, 2 * 1024 * 1024);
  assert.ok(answerText('Write 999999999 MiB', MODEL).length <= 32 * 1024 * 1024);
});

test('never cuts a character in two', () => {
  const answer = answerText('😀'.repeat(200), MODEL);
  assert.equal(answer, answer.toWellFormed());
});

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'kelvin'] } } },
  },
};
const TIME = { type: 'function', name: 'get_time', parameters: {} };

test('calls a tool when the prompt says so, and only then', () => {
  const tools = functionTools([WEATHER, TIME, { type: 'file_search' }]);
  const ask = (prompt: string, toolChoice?: unknown, parallel = true) =>
    toolCalls({ prompt, tools, toolChoice, parallel }).map((call) => call.name);
  assert.deepEqual(ask('What is the weather?'), []);
  assert.deepEqual(ask('Please call get_weather for Paris'), ['get_weather']);
  assert.deepEqual(ask('Use get_time, then use get_weather'), ['get_weather', 'get_time']);
  assert.deepEqual(ask('Use get_time, then use get_weather', 'auto', false), ['get_weather']);
  assert.deepEqual(ask('call get_weather_report'), [], 'a longer name is another tool');
  assert.deepEqual(ask('Hello', 'required'), ['get_weather']);
  assert.deepEqual(ask('Hello', { type: 'function', function: { name: 'get_time' } }), ['get_time']);
  assert.deepEqual(ask('Hello', { type: 'function', name: 'get_time' }), ['get_time']);
  assert.deepEqual(ask('call get_weather', 'none'), []);
});

test('arguments come from the prompt, else fit the schema', () => {
  const tools = functionTools([WEATHER]);
  const call = (prompt: string) => toolCalls({ prompt, tools, toolChoice: 'auto', parallel: true })[0]?.arguments;
  assert.equal(call('call get_weather with {"city": "Paris"}'), '{"city":"Paris"}');
  assert.equal(call('call get_weather'), '{"city":"call get_weather","unit":"celsius"}');
});

test('an example value fits its schema, also a recursive one', () => {
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string', maxLength: 3 },
      count: { type: 'integer', minimum: 5 },
      child: { $ref: '#' },
    },
  };
  const value = exampleValue(schema, 'filler');
  assert.deepEqual(at(value, 'name'), 'fil');
  assert.deepEqual(at(value, 'child', 'count'), 5);
  assert.ok(JSON.stringify(value).length < 500, 'the depth is bounded');
});
