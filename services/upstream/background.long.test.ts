import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { subjects } from '@tollgate/bus';
import {
  BackgroundChunk,
  BackgroundFind,
  BackgroundFound,
  BackgroundRoom,
  BackgroundState,
  LeaseAsk,
  RequestStatus,
  Surface,
} from '@tollgate/contracts';
import { Harness } from './testing/harness.ts';
import { type Answer, type DispatchFields, target } from './testing/peer.ts';

// Requests in the background against the simulator over real NATS: who runs them, who ends them, and what is in the books.

let harness: Harness;

before(async () => {
  harness = await Harness.start();
});
after(() => harness.close());
beforeEach(() => harness.simulator.reset());

/** As pipeline dispatches it: to its provider it is a stream that nobody fetches later. */
const begin = (input: string, more: Partial<DispatchFields> = {}) =>
  harness.peer.ask({
    body: { model: 'x', input, stream: true, background: false },
    stream: false,
    surface: Surface.RESPONSES,
    background: { requestId: '' },
    ...more,
  });

const byId = (requestId: string, action: string, more: Partial<DispatchFields> = {}): Promise<Answer> =>
  harness.peer.ask({
    body: {},
    bodyBytes: 0,
    surface: Surface.STORED_RESPONSES,
    stored: { responseId: 'resp_callers', action, query: '' },
    knownResponse: { providerId: requestId, callersId: 'resp_callers' },
    background: { requestId },
    ...more,
  });

async function over(requestId: string) {
  for (;;) {
    const { text } = await byId(requestId, 'retrieve');
    const response = JSON.parse(text);
    if (!['queued', 'in_progress'].includes(response.status)) return response;
    await delay(50);
  }
}

const rowsOf = (requestId: string) => harness.peer.rows.get(requestId) ?? [];
const find = async (requestId: string) => {
  const asked = BackgroundFind.encode({ requestId }).finish();
  return BackgroundFound.decode(await harness.bus.request(subjects.backgroundFind, asked, 2000));
};
const gated = (gate: string, text: string) => `[[sim ${JSON.stringify({ gate })}]] ${text}`;

test('queued at once, run by whoever has room, fetched by its id; one row, of the run', async () => {
  const replica = await harness.service('upstream-1');
  const { requestId, text, status } = await begin('Repeat me');
  const queued = JSON.parse(text);
  assert.deepEqual([status, queued.status, queued.background], [200, 'queued', true]);
  const response = await over(requestId);
  assert.deepEqual([response.status, response.id, response.background], ['completed', queued.id, true]);
  assert.match(JSON.stringify(response.output), /Repeat me/);
  const row = await harness.peer.row(requestId);
  assert.deepEqual(
    [row.status, row.version, row.attempts.length, row.billed?.prompt, row.billed?.completion],
    [RequestStatus.COMPLETED, 3, 1, response.usage.input_tokens, response.usage.output_tokens],
  );
  const found = await find(requestId);
  assert.equal(found.status, 'completed');
  assert.match(found.keptAs, /^resp_/);
  assert.notEqual(found.keptAs, queued.id);
  await replica.stop();
  assert.equal(rowsOf(requestId).length, 1);
});

test('a stop gives it back with what it cost so far; another replica completes it', async () => {
  const short = { TOLLGATE_STOP_TIMEOUT_MS: '200' };
  const first = await harness.service('upstream-2', short);
  const { requestId } = await begin(gated('stop', 'Write 40 words'));
  harness.simulator.openGate('stop', 3);
  await harness.simulator.waitForCalls({ surface: 'responses' });
  await first.stop();
  assert.deepEqual(rowsOf(requestId), []);
  harness.simulator.openGate('stop', 10_000);
  const second = await harness.service('upstream-3', short);
  const response = await over(requestId);
  assert.equal(response.status, 'completed');
  const row = await harness.peer.row(requestId);
  assert.deepEqual(
    row.attempts.map(({ code }) => code),
    ['cancelled', ''],
  );
  const [cut, whole] = row.attempts;
  assert.deepEqual([cut?.tokens?.prompt, row.estimated], [33, true], 'its prompt, as admission saw it');
  assert.equal(whole?.tokens?.completion, response.usage.output_tokens);
  assert.equal(row.billed?.prompt, 33 + response.usage.input_tokens);
  await second.stop();
  assert.equal(rowsOf(requestId).length, 1);
});

test('waiting, it is cancelled without a call; its row is there, and it never runs', async () => {
  const idle = await harness.service('upstream-4', { TOLLGATE_BACKGROUND_RUNS_MAX: '0' });
  const { requestId } = await begin('Never asked');
  assert.equal(JSON.parse((await byId(requestId, 'retrieve')).text).status, 'queued');
  const cancelled = JSON.parse((await byId(requestId, 'cancel')).text);
  assert.equal(cancelled.status, 'cancelled');
  assert.equal(JSON.parse((await byId(requestId, 'cancel')).text).status, 'cancelled');
  const row = await harness.peer.row(requestId);
  assert.deepEqual([row.status, row.httpStatus, row.attempts, row.costNanoUsd], [RequestStatus.CANCELLED, 499, [], 0]);
  const worker = await harness.service('upstream-5');
  const { requestId: next } = await begin('Asked');
  await over(next);
  assert.equal(harness.simulator.calls({ surface: 'responses' }).length, 1);
  await Promise.all([worker.stop(), idle.stop()]);
  assert.equal(
    await harness.bus
      .backgroundStore()
      .use()
      .then(({ queued }) => queued),
    0,
  );
});

/** As a replica leaves it that was killed in its first run, having kept so much of its text. */
async function killed(requestId: string, textBytes: number): Promise<void> {
  const store = harness.bus.backgroundStore();
  const kept = await store.get(requestId, 'state');
  assert.ok(kept);
  const state = { ...BackgroundState.decode(kept.bytes), status: 'in_progress', worker: 'killed', runs: 1 };
  const chunk = { run: 1, number: 1, content: new Uint8Array(), nextSequence: 7, textBytes, target: target() };
  await store.put(requestId, 'e.1', BackgroundChunk.encode(chunk).finish());
  const written = await store.replace(requestId, 'state', BackgroundState.encode(state).finish(), kept.seq);
  assert.ok(written);
  assert.equal(
    await store.replace(requestId, 'state', kept.bytes, kept.seq),
    undefined,
    'only who has seen the last one',
  );
}

test('a run that died with its replica is begun anew, numbered on, with the lost call in its row', async () => {
  const idle = await harness.service('upstream-11', { TOLLGATE_BACKGROUND_RUNS_MAX: '0' });
  const { requestId } = await begin('Repeat me anew');
  await killed(requestId, 400);
  const worker = await harness.service('upstream-12');
  const response = await over(requestId);
  assert.equal(response.status, 'completed');
  const row = await harness.peer.row(requestId);
  assert.deepEqual(
    row.attempts.map(({ code, tokens }) => [code, tokens?.prompt, tokens?.completion]),
    [
      ['gateway_interrupted', 33, 100],
      ['', response.usage.input_tokens, response.usage.output_tokens],
    ],
  );
  assert.deepEqual([row.estimated, row.billed?.prompt], [true, 33 + response.usage.input_tokens]);
  const stored = { responseId: 'resp_callers', action: 'retrieve', query: '', stream: true };
  const numbersOf = ({ text }: Answer) =>
    [...text.matchAll(/^data: .*?"sequence_number":(\d+)/gm)].map(([, n]) => Number(n));
  const numbers = numbersOf(await byId(requestId, 'retrieve', { stream: true, stored }));
  assert.deepEqual(numbers.slice(0, 4), [0, 1, 7, 8]);
  const behind = await byId(requestId, 'retrieve', { stream: true, stored: { ...stored, startingAfter: 8 } });
  assert.deepEqual(numbersOf(behind), numbers.slice(4));
  const lost = await byId(requestId, 'retrieve', { stream: true, stored: { ...stored, startingAfter: 4 } });
  assert.match(lost.text, /^event: error\ndata: \{.*"code":"gateway_interrupted"/);
  assert.equal(harness.simulator.calls({ surface: 'responses' }).length, 1);
  await Promise.all([worker.stop(), idle.stop()]);
});

test('what nobody runs any more is cancelled by who was asked, and its lost call is charged', async () => {
  const idle = await harness.service('upstream-13', { TOLLGATE_BACKGROUND_RUNS_MAX: '0' });
  const { requestId } = await begin('Never anew');
  await killed(requestId, 40);
  assert.equal(JSON.parse((await byId(requestId, 'cancel')).text).status, 'cancelled');
  const row = await harness.peer.row(requestId);
  assert.deepEqual([row.status, row.billed?.prompt, row.billed?.completion], [RequestStatus.CANCELLED, 33, 10]);
  const worker = await harness.service('upstream-14');
  while ((await harness.bus.backgroundStore().use()).queued > 0) await delay(50);
  assert.equal(rowsOf(requestId).length, 1);
  await Promise.all([worker.stop(), idle.stop()]);
});

test('what waits keeps its reservation, also after the store of budgets has lost it', async () => {
  const idle = await harness.service('upstream-6', { TOLLGATE_BACKGROUND_RUNS_MAX: '0' });
  const { requestId } = await begin('Reserved');
  harness.peer.renewals.length = 0;
  harness.bus.publish(subjects.leaseAsk, LeaseAsk.encode({ organizationId: 'acme' }).finish());
  const { receipts } = await harness.peer.renewal();
  assert.deepEqual(
    receipts.map((receipt) => receipt.requestId),
    [requestId],
  );
  await byId(requestId, 'delete');
  assert.equal((await byId(requestId, 'retrieve')).end.error?.code, 'not_found');
  harness.peer.renewals.length = 0;
  harness.bus.publish(subjects.leaseAsk, LeaseAsk.encode({ organizationId: 'acme' }).finish());
  const { requestId: other } = await begin('Reserved too');
  harness.bus.publish(subjects.leaseAsk, LeaseAsk.encode({ organizationId: 'acme' }).finish());
  const again = await harness.peer.renewal();
  assert.deepEqual(
    again.receipts.map((receipt) => receipt.requestId),
    [other],
    'what is over is not reserved again',
  );
  await byId(other, 'cancel');
  await idle.stop();
});

test("a provider's refusal is a response that failed, and so is one that waited too long", async () => {
  const replica = await harness.service('upstream-7');
  harness.simulator.addFault({ kind: 'promptFilter', count: 1 });
  const { requestId } = await begin('Refused');
  const refused = await over(requestId);
  assert.deepEqual([refused.status, refused.error.code], ['failed', 'content_filter']);
  assert.equal((await harness.peer.row(requestId)).status, RequestStatus.FAILED);
  const read = await byId(requestId, 'retrieve', {
    stream: true,
    stored: { responseId: 'resp_callers', action: 'retrieve', query: '', stream: true },
  });
  const types = [...read.text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
  assert.deepEqual(types, ['response.created', 'response.queued', 'response.failed']);
  await replica.stop();
  const late = await harness.service('upstream-8', { TOLLGATE_BACKGROUND_DEADLINE_MS: '1' });
  const { requestId: waited } = await begin('Too late');
  const failed = await over(waited);
  assert.deepEqual([failed.status, failed.error.code], ['failed', 'upstream_timeout']);
  assert.equal((await harness.peer.row(waited)).code, 'upstream_timeout');
  await late.stop();
});

test('a large body waits in parts, and a large answer is kept in parts', async () => {
  const replica = await harness.service('upstream-9');
  const words = 'word '.repeat(120_000);
  const { requestId } = await begin(`Repeat ${words}`);
  const response = await over(requestId);
  assert.equal(response.status, 'completed');
  assert.ok(JSON.stringify(response.output).includes(words.trim()));
  await replica.stop();
});

test('a full queue says so, and takes nothing', async () => {
  const idle = await harness.service('upstream-10', { TOLLGATE_BACKGROUND_RUNS_MAX: '0' });
  const store = harness.bus.backgroundStore();
  const room = async () =>
    BackgroundRoom.decode(await harness.bus.request(subjects.backgroundRoom, new Uint8Array(), 2000)).free;
  assert.equal(await room(), true);
  const { queued, queueMax } = await store.use();
  for (let at = queued; at < queueMax; at++)
    await store.enqueue({ requestId: `full-${at}`, receipt: undefined, provider: 'azure' });
  while (await room()) await delay(50);
  const { end, requestId } = await begin('One too many');
  assert.equal(end.error?.code, 'overloaded');
  const row = await harness.peer.row(requestId);
  assert.deepEqual([row.status, row.httpStatus, row.costNanoUsd], [RequestStatus.FAILED, 503, 0]);
  assert.equal((await find(requestId)).status, 'failed', 'whoever met it in the queue would leave it alone');
  await idle.stop();
});
