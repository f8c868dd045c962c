import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerSender, Bus } from '@tollgate/bus';
import type { ConfigSnapshot, ProxySettings } from '@tollgate/config';
import { type AuthResult, encode, KeptAnswer, Receipt, Request, Surface } from '@tollgate/contracts';
import { Joins } from '../../adapters/joins.ts';
import { Body } from '../../domain/body/body.ts';
import { indexBody } from '../../domain/body/index-body.ts';
import { Run } from '../run.ts';
import { stepsOf, stepsOnce } from '../steps.ts';
import { authorize } from './authorize.ts';
import { join } from './join.ts';
import type { Tools } from './tools.ts';

const noBytes = new Uint8Array(0);
const running = (requestId: string) => ({ running: requestId, answer: noBytes });
const kept = { running: '', answer: encode(KeptAnswer, { ...KeptAnswer.decode(noBytes), requestId: 'first' }) };

/** A request whose guard-auth says these things in turn, the last one for ever, and whose first caller is owned as told. */
function setUp(said: (AuthResult['idempotency'] | undefined)[], owned: boolean | undefined, stream = false) {
  const bytes = Buffer.from(JSON.stringify({ model: 'gpt-4o', messages: [], stream }));
  const body = new Body(bytes, indexBody(bytes, Surface.CHAT_COMPLETIONS));
  const startedAtMs = 1_700_000_000_000;
  let nowMs = startedAtMs;
  const request = {
    ...Request.decode(noBytes),
    ...{ requestId: 'retry', surface: Surface.CHAT_COMPLETIONS, startedAtMs, deadlineAtMs: startedAtMs + 60_000 },
  };
  const heads: unknown[] = [];
  const answer = { head: (head: unknown) => heads.push(head), ingressInbox: '' } as unknown as AnswerSender;
  const model = { name: 'gpt-4o', deployment: 'gpt-4o', baseModel: 'gpt-4o' };
  const snapshot = {
    providers: [{ name: 'azure', type: 'azure-openai', models: [model] }],
    projects: [],
  } as unknown as ConfigSnapshot;
  const proxy = {
    id: 'p',
    name: 'p',
    provider: 'azure',
    guardrails: [],
    deadlineMs: 60_000,
  } as unknown as ProxySettings;
  const run = new Run(request, { ...snapshot, limits: [] } as ConfigSnapshot, proxy, body, answer);
  run.claim = { key: noBytes, body: noBytes, abandoned: '' };
  const abandoned: string[] = [];
  const call = async (asked: { call: { value: { idempotency?: { abandoned: string } } } }) => {
    abandoned.push(asked.call.value.idempotency?.abandoned ?? '');
    const takenOver = abandoned.at(-1) !== '';
    const idempotency = takenOver ? undefined : said.length > 1 ? said.shift() : said[0];
    const receipt = Receipt.decode(noBytes);
    const value = {
      receipt,
      refusal: undefined,
      headers: {},
      hits: {},
      models: [],
      ...(idempotency && { idempotency }),
    };
    return { $case: 'auth', value };
  };
  const joins = {
    stopping: false,
    enter: () => true,
    leave: () => {},
    owned: async () => owned,
    now: () => nowMs,
    wait: async (ms: number) => {
      nowMs += ms;
    },
  };
  const tools = { auth: { call }, joins } as unknown as Tools;
  return { run, tools, heads, abandoned, waitedMs: () => nowMs - startedAtMs };
}

async function joined(run: Run, tools: Tools) {
  const first = await authorize(run, tools);
  return first.kind === 'next' ? join(run, tools) : first;
}

test('joining stands right behind the step that knows the team', () => {
  const stages = stepsOnce(stepsOf([])).map(({ stage }) => stage);
  assert.deepEqual(stages, ['auth', 'join', 'router']);
});

test('who makes the call itself waits for nobody', async () => {
  const { run, tools, waitedMs } = setUp([undefined], true);
  assert.equal((await joined(run, tools)).kind, 'next');
  assert.deepEqual([run.holdsKey, waitedMs()], [true, 0]);
});

test('a retry waits until the answer is there', async () => {
  const { run, tools, waitedMs } = setUp([running('first'), running('first'), running('first'), kept], true);
  const verdict = await joined(run, tools);
  assert.ok(verdict.kind === 'replay');
  assert.equal(verdict.answer.requestId, 'first');
  assert.ok(waitedMs() > 0 && !run.holdsKey);
});

test('a call that failed frees its key: the retry makes it itself', async () => {
  const { run, tools } = setUp([running('first'), running('first'), undefined], true);
  assert.equal((await joined(run, tools)).kind, 'next');
  assert.deepEqual([run.holdsKey, run.joining], [true, '']);
});

test('a call that nobody owns any more is taken over, but not sooner than an owner is given up', async () => {
  const { run, tools, abandoned, waitedMs } = setUp([running('first')], false);
  assert.equal((await joined(run, tools)).kind, 'next');
  assert.ok(run.holdsKey);
  assert.deepEqual(abandoned.filter(Boolean), ['first']);
  assert.ok(waitedMs() >= 3000, `${waitedMs()} ms`);
});

test('while somebody owns it, or nobody can say, nothing is taken over; at the deadline the retry is told to come back', async () => {
  for (const owned of [true, undefined]) {
    const { run, tools, abandoned } = setUp([running('first')], owned);
    const verdict = await joined(run, tools);
    assert.deepEqual(abandoned.filter(Boolean), []);
    assert.ok(verdict.kind === 'refuse');
    assert.equal(verdict.error.code, 'upstream_timeout');
    assert.match(verdict.error.message, /still running/);
  }
});

test('when another retry took it over, that one is waited for', async () => {
  const others = Array.from({ length: 60 }, (_, at) => running(`retry ${Math.floor(at / 12)}`));
  const { run, tools, abandoned } = setUp([...others, kept], false);
  assert.equal((await joined(run, tools)).kind, 'replay');
  assert.deepEqual(abandoned.filter(Boolean), [], 'each was given its time');
});

test('a stream that waits sends its head after a while, once, so that the connection is kept awake', async () => {
  for (const stream of [true, false]) {
    const { run, tools, heads } = setUp([running('first')], true, stream);
    await joined(run, tools);
    assert.equal(heads.length, stream ? 1 : 0);
  }
});

test('only so many of a team wait at once; each gives its place back', async () => {
  const bus = { subscribe: () => {} } as unknown as Bus;
  const places = new Joins(bus, () => false);
  let entered = 0;
  while (places.enter('one')) entered++;
  assert.equal(entered, 100);
  assert.ok(places.enter('another'));
  const { run, tools } = setUp([running('first'), kept], true);
  tools.joins.enter = () => places.enter('one');
  tools.joins.leave = () => places.leave('one');
  const verdict = await joined(run, tools);
  assert.ok(verdict.kind === 'refuse' && verdict.error.code === 'concurrency_exceeded');
  assert.ok(verdict.error.retryAfterMs > 0);
  places.leave('one');
  const next = setUp([running('first'), kept], true);
  Object.assign(next.tools.joins, { enter: tools.joins.enter, leave: tools.joins.leave });
  assert.equal((await joined(next.run, next.tools)).kind, 'replay');
  assert.ok(places.enter('one') && !places.enter('one'));
});

test('what guard-auth cannot answer leaves no row behind that would hide what it reserved', async () => {
  const { run, tools } = setUp([running('first')], true);
  await authorize(run, tools);
  assert.ok(run.row);
  const error = { code: 'store_unavailable', message: '', param: '', internal: '', retryAfterMs: 1000, headers: {} };
  Object.assign(tools.auth, { call: async () => ({ $case: 'error', value: error }) });
  const verdict = await join(run, tools);
  assert.ok(verdict.kind === 'refuse' && verdict.error.code === 'store_unavailable');
  assert.deepEqual([run.row, run.receipt], [undefined, undefined]);
});

test('who left, or waits where the replica stops, waits no longer', async () => {
  const left = setUp([running('first')], true);
  left.run.cancelled = 'client_gone';
  assert.equal((await joined(left.run, left.tools)).kind, 'next');
  assert.ok(left.run.stopped);
  const { run, tools } = setUp([running('first')], true);
  tools.joins.stopping = true;
  const verdict = await joined(run, tools);
  assert.ok(verdict.kind === 'refuse' && verdict.error.code === 'overloaded');
});
