import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Request, type StoredCall, Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { Body } from '../../domain/body/body.ts';
import { indexBody } from '../../domain/body/index-body.ts';
import type { Run } from '../run.ts';
import { affinityOf, bind } from './affinity.ts';

const markOf = (provider: string) => `tge1.${provider}.${'x'.repeat(22)}.`;
const reasoning = (content: string) => ({ type: 'reasoning', encrypted_content: content });

function runOf(value: object, surface: Surface = Surface.RESPONSES, stored?: StoredCall): Run {
  const bytes = Buffer.from(JSON.stringify(value));
  const request = { ...Request.decode(new Uint8Array(0)), surface, stored };
  return { request, body: new Body(bytes, indexBody(bytes, surface)) } as unknown as Run;
}

test('a first turn goes anywhere, one that goes on says from what', () => {
  assert.equal(affinityOf(runOf({ input: 'x' })), undefined);
  assert.equal(affinityOf(runOf({ input: [reasoning('gAAA')] })), undefined, 'it is none of ours');
  assert.equal(affinityOf(runOf({ messages: [reasoning(`${markOf('east')}g`)] }, Surface.CHAT_COMPLETIONS)), undefined);
  const went = affinityOf(runOf({ input: 'x', previous_response_id: 'resp_1' }));
  assert.deepEqual(went, { responseId: 'resp_1', contentMarks: [], itemIds: [], action: '' });
  const thought = affinityOf(runOf({ input: [reasoning(`${markOf('east')}g`), reasoning(`${markOf('east')}h`)] }));
  assert.deepEqual(thought, { responseId: '', contentMarks: [markOf('east')], itemIds: [], action: '' });
});

test('a response is asked for by its id', () => {
  const stored = { responseId: 'resp_1', action: 'delete', query: '' };
  const asked = affinityOf(runOf({ input: 'x' }, Surface.RESPONSES, stored));
  assert.deepEqual(asked, { responseId: 'resp_1', contentMarks: [], itemIds: [], action: 'delete' });
});

test('contents from everywhere are refused', () => {
  const input = Array.from({ length: 17 }, (_, at) => reasoning(`${markOf(`provider-${at}`)}g`));
  const refused = (error: unknown) => error instanceof TollgateError && error.param === 'input';
  assert.throws(() => affinityOf(runOf({ input })), refused);
  assert.equal(affinityOf(runOf({ input: input.slice(1) }))?.contentMarks.length, 16);
});

test('items that are only named bind, and not without a bound', () => {
  const id = `msg_1~${'x'.repeat(16)}`;
  const reference = { type: 'item_reference', id };
  assert.deepEqual(affinityOf(runOf({ input: [reference] }))?.itemIds, [id]);
  assert.equal(affinityOf(runOf({ input: [{ id, type: 'message', role: 'assistant', content: 'x' }] })), undefined);
  assert.equal(affinityOf(runOf({ messages: [], input: [reference] }, Surface.CHAT_COMPLETIONS)), undefined);
  const many = Array.from({ length: 1025 }, () => reference);
  const refused = (error: unknown) => error instanceof TollgateError && error.param === 'input';
  assert.throws(() => affinityOf(runOf({ input: many })), refused);
  assert.equal(affinityOf(runOf({ input: many.slice(1) }))?.itemIds.length, 1024);
});

test('what was found is bound: the body as its provider knows it, both names for the answer', () => {
  const run = runOf({ input: 'x', previous_response_id: 'resp_callers' });
  const affinity = affinityOf(run);
  assert.ok(affinity);
  const route = { targets: [], attemptsMax: 1, refusal: undefined };
  bind(run, affinity, { ...route, providerResponseId: 'resp_providers' });
  assert.deepEqual(run.knownResponse, { providerId: 'resp_providers', callersId: 'resp_callers' });
  assert.equal(run.body.bytes.toString(), '{"input":"x","previous_response_id":"resp_providers"}');
  assert.throws(() => bind(run, affinity, route), TollgateError, 'an older router would send it anywhere');
});
