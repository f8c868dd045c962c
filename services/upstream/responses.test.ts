import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type IssuedResponse, ResponseIds } from '@tollgate/config';
import { RequestStatus, Surface } from '@tollgate/contracts';
import { Harness, responseIdKey } from './testing/harness.ts';
import { type Answer, target } from './testing/peer.ts';

// Names of responses on their way to the caller, and calls by id, against the simulator over real NATS.

const team = 'sample.engineering';
const ids = new ResponseIds([responseIdKey]);
let harness: Harness;

before(async () => {
  harness = await Harness.start();
  await harness.service('upstream-1');
});
after(() => harness.close());
beforeEach(() => harness.simulator.clearFaults());

const ask = (body: object, more: object = {}) =>
  harness.peer.ask({ body: { model: 'x', input: 'Hello', ...body }, surface: Surface.RESPONSES, ...more });

/** A response that the provider keeps, with the caller's name of it. */
async function made(): Promise<{ callersId: string; issued: IssuedResponse }> {
  const { text } = await ask({});
  const { id } = JSON.parse(text) as { id: string };
  const issued = ids.open(team, id);
  assert.ok(issued, id);
  return { callersId: id, issued };
}

const byId = (action: string, providerId: string, query = ''): Promise<Answer> =>
  harness.peer.ask({
    body: {},
    bodyBytes: 0,
    surface: Surface.STORED_RESPONSES,
    stored: { responseId: 'resp_callers', action, query },
    knownResponse: { providerId, callersId: 'resp_callers' },
  });

test('the id of an answer opens to where it is kept, streamed or not, for its team only', async () => {
  const { callersId, issued } = await made();
  const { providerId } = issued;
  assert.deepEqual(issued, { provider: 'azure', model: 'gpt-4o', providerId, borrowed: false });
  assert.match(providerId, /^resp_[0-9a-f]{50}$/);
  assert.equal(ids.open('sample.product', callersId), undefined);
  const { text } = await ask({ stream: true }, { targets: [target('mini')] });
  const named = new Set([...text.matchAll(/"id":"(resp_[^"]+)"/g)].map(([, id]) => id));
  assert.equal(named.size, 1);
  assert.equal(ids.open(team, [...named][0] ?? '')?.model, 'mini');
  assert.equal(text.match(/"id":"resp_/g)?.length, 3, 'created, in_progress, completed');
});

test('what goes on is told by the name that the caller knows, in errors too', async () => {
  const { issued } = await made();
  const knownResponse = { providerId: issued.providerId, callersId: 'resp_callers' };
  const next = await ask({ previous_response_id: issued.providerId }, { knownResponse });
  assert.equal(JSON.parse(next.text).previous_response_id, 'resp_callers');
  assert.doesNotMatch(next.text, new RegExp(issued.providerId));
  const gone = { providerId: `${issued.providerId.slice(0, -1)}_`, callersId: 'resp_callers' };
  const refused = await ask({ previous_response_id: gone.providerId }, { knownResponse: gone });
  assert.equal(refused.status, 400);
  const { error } = JSON.parse(refused.text);
  assert.equal(error.code, 'previous_response_not_found');
  assert.match(error.message, /'resp_callers'/);
});

test('the cache is offered the provider’s own id', async () => {
  const plan = {
    revision: 1,
    proxy: 'sample.proxy',
    guardrail: 0,
    scopeId: `team:${team}`,
    fingerprint: new Uint8Array(32),
  };
  for (const stream of [false, true]) {
    const cacheFill = { ...plan, text: 'Hello', surface: Surface.RESPONSES };
    const { requestId } = await ask({ stream }, { cacheFill });
    await harness.peer.row(requestId);
    const fill = harness.peer.fills.find((offered) => offered.requestId === requestId);
    assert.match(JSON.parse(Buffer.from(fill?.answer ?? []).toString()).id, /^resp_[0-9a-f]{50}$/);
  }
});

test('a response is read, listed and deleted by its id: rows without a model and without cost', async () => {
  const { issued } = await made();
  const { providerId } = issued;
  const read = await byId('retrieve', providerId);
  assert.equal(read.status, 200);
  const { id, output, usage } = JSON.parse(read.text);
  assert.equal(id, 'resp_callers');
  assert.ok(output.length > 0 && usage.output_tokens > 0);
  assert.equal(read.headers['x-tollgate-cost-usd'], '0');
  const row = await harness.peer.row(read.requestId);
  assert.deepEqual([row.status, row.httpStatus, row.version, row.estimated], [RequestStatus.COMPLETED, 200, 3, false]);
  assert.deepEqual([row.provider, row.model, row.baseModel, row.costNanoUsd], ['azure', '', '', 0]);
  const nothing = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };
  const { prompt, completion, cachedPrompt, reasoning } = row.billed ?? nothing;
  assert.deepEqual({ prompt, completion, cachedPrompt, reasoning }, nothing);

  const items = JSON.parse((await byId('input_items', providerId, 'limit=1')).text);
  assert.equal(items.data[0].content, 'Hello');
  assert.deepEqual(JSON.parse((await byId('delete', providerId)).text), {
    ...{ id: 'resp_callers', object: 'response', deleted: true },
  });
  const gone = await byId('retrieve', providerId);
  assert.equal(gone.status, 404);
  assert.match(JSON.parse(gone.text).error.message, /'resp_callers'/);
  assert.equal((await harness.peer.row(gone.requestId)).status, RequestStatus.FAILED);
});

test('a retrieved response names the one before it so that it can be gone on from, and nothing else', async () => {
  const { issued } = await made();
  const knownResponse = { providerId: issued.providerId, callersId: 'resp_first' };
  const second = JSON.parse((await ask({ previous_response_id: issued.providerId }, { knownResponse })).text);
  const read = await byId('retrieve', ids.open(team, second.id)?.providerId ?? '');
  const { previous_response_id: previous } = JSON.parse(read.text);
  assert.deepEqual(ids.open(team, previous), { ...issued, borrowed: true });
});

test('items that are kept leave with a tag that leads their team back, in answers, streams and lists', async () => {
  const idsIn = (text: string) => new Set([...text.matchAll(/"((?:msg|fc)_[^"]+)"/g)].map(([, id = '']) => id));
  const keeper = (id: string) => ids.providerOfItem(team, id, ['azure']);
  for (const stream of [false, true]) {
    const { text } = await ask({ stream });
    const [id = '', another] = idsIn(text);
    assert.deepEqual([keeper(id), another], ['azure', undefined], 'one item, one name');
    const [own = ''] = idsIn((await ask({ stream, store: false })).text);
    assert.match(own, /^msg_[0-9a-f]{50}$/);
  }
  const { issued } = await made();
  for (const action of ['retrieve', 'input_items']) {
    const [id = '', another] = idsIn((await byId(action, issued.providerId)).text);
    assert.deepEqual([keeper(id), another], ['azure', undefined], action);
  }
});

test('encrypted reasoning leaves with the mark of its provider', async () => {
  const mark = ids.contentMark(team, 'azure');
  for (const stream of [false, true]) {
    const { text } = await ask({ stream, include: ['reasoning.encrypted_content'] });
    const contents = [...text.matchAll(/"encrypted_content":"([^"]+)"/g)].map(([, content = '']) => content);
    assert.equal(contents.length, stream ? 3 : 1);
    assert.ok(contents.every((content) => content.startsWith(mark)));
  }
});

test('a call by id that fails says nothing of a model, and is charged nothing', async () => {
  await harness.apply(harness.provider('azure') + harness.provider('away', { endpoint: 'http://127.0.0.1:9' }));
  const answer = await harness.peer.ask({
    body: {},
    bodyBytes: 0,
    surface: Surface.STORED_RESPONSES,
    targets: [target('gpt-4o', { provider: 'away' })],
    stored: { responseId: 'resp_callers', action: 'retrieve', query: '' },
    knownResponse: { providerId: 'resp_1', callersId: 'resp_callers' },
  });
  assert.equal(answer.end.error?.code, 'upstream_error');
  const row = await harness.peer.row(answer.requestId);
  assert.deepEqual([row.status, row.estimated, row.costNanoUsd], [RequestStatus.FAILED, false, 0]);
  assert.deepEqual(
    harness.peer.reports.filter(({ requestId }) => requestId === answer.requestId),
    [],
  );
});
