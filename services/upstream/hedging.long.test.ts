import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { subjects } from '@tollgate/bus';
import {
  encode,
  LeaseExtend,
  LeaseExtended,
  RequestStatus,
  Reservation,
  Surface,
  type UsageEvent,
} from '@tollgate/contracts';
import type { AzureSimulator } from '@tollgate/testing/azure';
import { Harness, type ServiceUnderTest } from './testing/harness.ts';
import { type Answer, chat, target } from './testing/peer.ts';

// A second call beside one that is silent. The share is half, so that a request which is not hedged makes room for one that is.

type FaultSpec = Parameters<AzureSimulator['addFault']>[0];

const targets = [target('gpt-4o'), target('mini')];
let harness: Harness;
let service: ServiceUnderTest;
let asked: LeaseExtend[] = [];
/** Undefined: nobody answers. */
let granted: boolean | undefined = true;

before(async () => {
  harness = await Harness.start();
  harness.bus.subscribe(subjects.leaseExtend, (bytes, reply) => {
    asked.push(LeaseExtend.decode(bytes));
    if (granted !== undefined) harness.bus.reply(reply, encode(LeaseExtended, { granted }));
  });
  await harness.bus.flush();
  await applyShare(0.5);
  service = await harness.service('upstream-a');
});
after(() => harness?.close());
beforeEach(async () => {
  harness.simulator.reset();
  granted = true;
  // Room for one hedge: two requests without one.
  for (let made = 0; made < 2; made++) await ask({}, { deployment: 'nobody' });
  harness.simulator.reset();
  asked = [];
});

function applyShare(share: number): Promise<void> {
  const rotation = `hedgeAfterMs: 500, hedgeMaxShare: ${share}, models: [{ model: gpt-4o }, { model: mini }]`;
  return harness.apply(undefined, undefined, `[{ modelRotation: { ${rotation} } }]`);
}

interface Fields {
  stream?: boolean;
  strict?: boolean;
  limited?: boolean;
  attemptsMax?: number;
}

async function ask(fields: Fields, fault: FaultSpec): Promise<[Answer, UsageEvent]> {
  const { stream = false, strict = false, limited = false, attemptsMax = 3 } = fields;
  harness.simulator.addFault({ deployment: 'gpt-4o', ...fault });
  const more = stream ? { stream, stream_options: { include_usage: true } } : {};
  const body = chat('Capital of France?', more);
  const { usage, requestId } = harness.peer.dispatch({ body, targets });
  if (usage?.receipt && strict) usage.receipt.outputTokensMax = 100;
  if (usage?.receipt && (limited || strict)) usage.receipt.reservations = [reservation];
  const answer = await harness.peer.ask({ body, targets, usage, requestId, attemptsMax });
  return [answer, await harness.peer.row(requestId)];
}

const reservation: Reservation = {
  ...Reservation.decode(new Uint8Array()),
  quantity: 'tokens',
  amount: 133,
  window: '1d',
};
const attempts = ({ attempts: made }: UsageEvent) =>
  made.map(({ model, httpStatus, code }) => [model, httpStatus, code]);
const calls = () => harness.simulator.calls().map(({ deployment }) => deployment);
const hangs: FaultSpec = { kind: 'hangBeforeHeaders' };

/** The second call answers, and the first is cut off and accounted. */
async function assertHedged(
  [answer, row]: [Answer, UsageEvent],
  lost: [prompt: number, completion: number],
): Promise<void> {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /Paris/);
  assert.equal(answer.headers['x-tollgate-model'], 'mini');
  assert.equal(answer.headers['x-tollgate-attempts'], '2');
  assert.equal(answer.end.status, RequestStatus.COMPLETED);
  assert.deepEqual(attempts(row), [
    ['gpt-4o', 0, 'hedged'],
    ['mini', 200, ''],
  ]);
  const [loser] = await harness.simulator.waitForCalls({ deployment: 'gpt-4o', ended: true });
  assert.equal(loser?.aborted, true);
  const [winner] = harness.simulator.calls({ deployment: 'gpt-4o-mini' });
  const issued = winner?.usage;
  assert.deepEqual([row.served?.prompt, row.served?.completion], [issued?.promptTokens, issued?.completionTokens]);
  const [prompt, completion] = lost;
  assert.equal(row.billed?.prompt, (issued?.promptTokens ?? 0) + prompt);
  assert.equal(row.billed?.completion, (issued?.completionTokens ?? 0) + completion);
  assert.equal(
    row.costNanoUsd,
    row.attempts.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0),
  );
  assert.equal(row.status, RequestStatus.COMPLETED);
  assert.equal(row.estimated, true);
}

for (const stream of [false, true]) {
  const shape = stream ? 'stream' : 'JSON';

  test(`${shape}: a first call that is silent for too long gets a second beside it, and what it may have billed is charged`, async () => {
    await assertHedged(await ask({ stream }, hangs), [33, 0]);
    assert.deepEqual(asked, []);
    assert.match(await service.metrics(), /tollgate_upstream_hedges_total\{outcome="sent",service="upstream"\} [1-9]/);
  });

  test(`${shape}: the first may still win, and the second is cut off`, async () => {
    harness.simulator.addFault({ ...hangs, deployment: 'gpt-4o-mini' });
    const [answer, row] = await ask({ stream }, { delayMs: 2000 });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
    assert.equal(answer.headers['x-tollgate-attempts'], '2');
    assert.deepEqual(attempts(row), [
      ['mini', 0, 'hedged'],
      ['gpt-4o', 200, ''],
    ]);
  });

  test(`${shape}: one fails while the other runs, which then answers`, async () => {
    harness.simulator.addFault({ delayMs: 2000, deployment: 'gpt-4o-mini' });
    const [answer, row] = await ask({ stream }, { delayMs: 1000, kind: 'status', status: 500 });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(attempts(row), [
      ['gpt-4o', 500, 'server_error'],
      ['mini', 200, ''],
    ]);
  });

  test(`${shape}: a caller that leaves ends both, in one row`, async () => {
    harness.simulator.addFault({ ...hangs, deployment: 'gpt-4o-mini' });
    harness.simulator.addFault({ ...hangs, deployment: 'gpt-4o' });
    const dispatch = harness.peer.dispatch({ body: chat('hi', { stream }), targets });
    const accepted = harness.peer.reply(dispatch.requestId);
    harness.peer.offer(dispatch);
    const said = await accepted;
    await harness.simulator.waitForCalls({}, { count: 2 });
    assert.ok('controlSubject' in said);
    harness.bus.mailbox.send(said.controlSubject, {
      requestId: dispatch.requestId,
      body: { $case: 'cancel', value: { reason: 'client_gone' } },
    });
    const row = await harness.peer.row(dispatch.requestId);
    assert.equal(row.status, RequestStatus.CANCELLED);
    assert.equal(row.attempts.length, 2);
    await harness.simulator.waitForCalls({ ended: true }, { count: 2 });
    assert.equal(harness.peer.rows.get(dispatch.requestId)?.length, 1);
  });
}

test('a stream that has begun is left alone, however slow it is', async () => {
  const [answer, row] = await ask({ stream: true }, { chunkDelayMs: 300 });
  assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
  assert.deepEqual([attempts(row).length, calls()], [1, ['gpt-4o']]);
});

test('a limit that counts tokens or cost has it reserved first, and the row says so', async () => {
  const hedged = await ask({ limited: true }, hangs);
  await assertHedged(hedged, [33, 0]);
  assert.deepEqual(
    asked.map(({ times, hedge }) => [times, hedge]),
    [[2, true]],
  );
  assert.equal(hedged[1].receipt?.extensions, 1);
});

for (const [what, answered, outcome] of [
  ['its room is refused', false, 'refused'],
  ['nobody says whether there is room', undefined, 'uncovered'],
] as const) {
  test(`where ${what} there is no second call`, async () => {
    const told = async () => {
      const line = new RegExp(`tollgate_upstream_hedges_total{outcome="${outcome}",service="upstream"} (\\d+)`);
      return Number(line.exec(await service.metrics())?.[1] ?? 0);
    };
    const before = await told();
    granted = answered;
    const [answer, row] = await ask({ limited: true }, { delayMs: 2500 });
    assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
    assert.deepEqual([row.attempts.length, asked.length], [1, 1]);
    assert.equal(row.receipt?.extensions, 0, 'settling looks whether it was granted all the same');
    assert.equal((await told()) - before, 1);
  });
}

test('a strict limit has it reserved first, and charges the one that was cut off at its bound', async () => {
  await assertHedged(await ask({ strict: true }, hangs), [33, 100]);
  assert.deepEqual(
    asked.map(({ times }) => times),
    [2],
  );
});

test('where a strict limit has no room for it there is none', async () => {
  granted = false;
  const [answer, row] = await ask({ strict: true }, { delayMs: 2000 });
  assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
  assert.deepEqual([row.attempts.length, asked.length], [1, 1]);
});

test('never beyond the attempts, and never of a response', async () => {
  const [, single] = await ask({ attemptsMax: 1 }, { delayMs: 1200 });
  assert.equal(single.attempts.length, 1);
  const body = { model: 'x', input: 'Capital of France?' };
  const response = await harness.peer.ask({ body, surface: Surface.RESPONSES, targets });
  assert.equal((await harness.peer.row(response.requestId)).attempts.length, 1);
});

test('never beyond the share', async () => {
  await applyShare(0.001);
  const [answer, row] = await ask({}, { delayMs: 1200 });
  assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
  assert.equal(row.attempts.length, 1);
  assert.match(await service.metrics(), /tollgate_upstream_hedges_total\{outcome="over_share",service="upstream"\} 1/);
});
