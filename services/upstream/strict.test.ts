import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { subjects } from '@tollgate/bus';
import { encode, LeaseExtend, LeaseExtended, RequestStatus, type UsageEvent } from '@tollgate/contracts';
import type { AzureSimulator } from '@tollgate/testing/azure';
import { Harness } from './testing/harness.ts';
import { type Answer, chat, target } from './testing/peer.ts';

// Requests under a strict limit: no attempt is made that the reservation does not hold.

type FaultSpec = Parameters<AzureSimulator['addFault']>[0];

const bound = { prompt: 300, completion: 50 };
const targets = [target('gpt-4o'), target('mini')];
let harness: Harness;
let asked: LeaseExtend[] = [];
let granted = true;

before(async () => {
  harness = await Harness.start();
  harness.bus.subscribe(subjects.leaseExtend, (bytes, reply) => {
    asked.push(LeaseExtend.decode(bytes));
    harness.bus.reply(reply, encode(LeaseExtended, { granted }));
  });
  await harness.bus.flush();
  await harness.service('upstream-a', {
    TOLLGATE_UPSTREAM_IDLE_TIMEOUT_MS: '300',
    TOLLGATE_UPSTREAM_FIRST_CONTENT_TIMEOUT_MS: '6000',
  });
});
after(() => harness?.close());
beforeEach(() => {
  harness.simulator.reset();
  asked = [];
  granted = true;
});

async function ask(
  fault: FaultSpec,
  fields: { stream?: boolean; strict?: boolean } = {},
): Promise<[Answer, UsageEvent]> {
  const { stream = false, strict = true } = fields;
  harness.simulator.addFault({ deployment: 'gpt-4o', ...fault });
  const more = stream ? { stream, stream_options: { include_usage: true } } : {};
  const dispatch = harness.peer.dispatch({ body: chat('Capital of France?', more), targets });
  const { usage } = dispatch;
  if (usage?.receipt && strict) {
    usage.receipt.estimatedPromptTokens = bound.prompt;
    usage.receipt.estimatedCompletionTokens = bound.completion;
    usage.receipt.outputTokensMax = bound.completion;
  }
  const { requestId } = dispatch;
  const answer = await harness.peer.ask({ body: chat('Capital of France?', more), targets, usage, requestId });
  return [answer, await harness.peer.row(requestId)];
}

const charges = ({ attempts }: UsageEvent) => attempts.map(({ tokens }) => [tokens?.prompt, tokens?.completion]);
const calls = () => harness.simulator.calls().map(({ deployment }) => deployment);
const atBound = [bound.prompt, bound.completion];

/** What may have been billed, by how it broke. */
const billed: [name: string, fault: FaultSpec, stream: boolean][] = [
  ['a cut in the middle of a JSON answer', { kind: 'cut' }, false],
  ['a cut before the headers', { kind: 'cutBeforeHeaders' }, false],
  ['a cut after the headers of a stream', { kind: 'cutAfterHeaders' }, true],
  ['silence', { kind: 'hangBeforeHeaders' }, false],
  ['an error in a good answer', { kind: 'errorInOk' }, true],
];

for (const [name, fault, stream] of billed) {
  test(`${name} is charged at its bound, and another attempt is reserved for first`, async () => {
    const [answer, row] = await ask(fault, { stream });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(
      asked.map(({ times, receipt }) => [times, receipt?.requestId]),
      [[2, answer.requestId]],
    );
    assert.deepEqual(calls(), ['gpt-4o', 'gpt-4o-mini']);
    assert.deepEqual(charges(row)[0], atBound);
    assert.deepEqual([row.status, row.estimated, row.receipt?.extensions], [RequestStatus.COMPLETED, true, 1]);
    assert.ok((row.billed?.prompt ?? 0) > bound.prompt && (row.billed?.prompt ?? 0) <= 2 * bound.prompt);
  });

  test(`${name}: where there is no room, there is no other attempt, and the error is the first one's`, async () => {
    granted = false;
    const [answer, row] = await ask(fault, { stream });
    assert.equal(asked.length, 1);
    assert.deepEqual(calls(), ['gpt-4o']);
    assert.equal(answer.end.status, RequestStatus.FAILED);
    assert.match(
      answer.end.error?.code ?? '',
      fault.kind === 'hangBeforeHeaders' ? /upstream_timeout/ : /upstream_error/,
    );
    assert.deepEqual(charges(row), [atBound]);
    assert.deepEqual([row.billed?.prompt, row.billed?.completion], atBound);
  });
}

test('what costs nothing needs no more room', async () => {
  for (const status of [429, 401, 404, 500, 503]) {
    harness.simulator.reset();
    const [answer, row] = await ask({ kind: 'status', status });
    assert.equal(answer.status, 200, String(status));
    assert.deepEqual([charges(row)[0], row.receipt?.extensions], [[0, 0], undefined]);
  }
  assert.deepEqual(asked, []);
});

test('without a strict limit nobody is asked', async () => {
  const [answer, row] = await ask({ kind: 'cut' }, { strict: false });
  assert.equal(answer.status, 200);
  assert.deepEqual([asked, charges(row)[0]?.[0]], [[], 33]);
});

test('a stream that breaks after its first content is charged at its bound, and served is what came', async () => {
  const [answer, row] = await ask({ kind: 'cut', afterChunks: 2 }, { stream: true });
  assert.equal(answer.end.status, RequestStatus.TRUNCATED);
  assert.deepEqual([row.billed?.prompt, row.billed?.completion], atBound);
  assert.ok((row.served?.completion ?? 0) < bound.completion);
  assert.deepEqual(asked, []);
});
