import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GuardRequest, Request, type RouteResult, type StoredCall, Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { Body } from '../../domain/body/body.ts';
import { indexBody } from '../../domain/body/index-body.ts';
import type { Run } from '../run.ts';
import { route } from './route.ts';
import type { Tools } from './tools.ts';

const bytes = Buffer.from('{"input":"x","previous_response_id":"resp_background"}');

function runOf(stored?: StoredCall): Run {
  const surface = stored ? Surface.STORED_RESPONSES : Surface.RESPONSES;
  return {
    request: { ...Request.decode(new Uint8Array(0)), surface, stored },
    body: new Body(bytes, indexBody(bytes, Surface.RESPONSES)),
    receipt: { teamId: 't' },
    call: (_guardrail: number, _timeoutMs: number, call: unknown) => ({ call }),
  } as unknown as Run;
}

/** A router that knows the ids in `routes`, and upstreams that know what `keptAs` says. */
function toolsOf(routes: Record<string, Partial<RouteResult>>, keptAs: (requestId: string) => Promise<string>): Tools {
  const call = async ({ call: asked }: Pick<GuardRequest, 'call'>) => {
    const id = asked?.$case === 'route' ? (asked.value.affinity?.responseId ?? '') : '';
    const value = { targets: [], attemptsMax: 1, refusal: undefined, ...routes[id] };
    return { $case: 'route', value };
  };
  return { router: { call }, background: { keptAs, expectRoom: async () => {} } } as unknown as Tools;
}

const background = { background: true, providerResponseId: 'req_1' };

test('what goes on from a response in the background goes to the one that keeps it, by the caller’s own name of it', async () => {
  const run = runOf();
  const kept = { providerResponseId: 'resp_provider', attemptsMax: 3 };
  const routes = { resp_background: background, resp_kept: kept };
  await route(
    run,
    toolsOf(routes, async (id) => (id === 'req_1' ? 'resp_kept' : '')),
    -1,
  );
  assert.equal(run.attemptsMax, 3);
  assert.deepEqual(run.knownResponse, { providerId: 'resp_provider', callersId: 'resp_background' });
  assert.match(run.body.bytes.toString(), /"previous_response_id":"resp_provider"/);
  assert.equal(run.background, undefined, 'it does not run in the background itself');
  const elsewhere = toolsOf(routes, async () => 'resp_elsewhere');
  await assert.rejects(route(runOf(), elsewhere, -1), TollgateError, 'a router that does not know it');
});

test('one that is not completed cannot be gone on from', async () => {
  const error = new TollgateError('previous_response_not_found', { param: 'previous_response_id' });
  await assert.rejects(
    route(
      runOf(),
      toolsOf({ resp_background: background }, () => Promise.reject(error)),
      -1,
    ),
    error,
  );
});

test('by its id it is asked of upstream; events there are of no other response', async () => {
  const stored = { responseId: 'resp_background', action: 'retrieve', query: '', stream: true };
  const run = runOf(stored);
  const never = () => Promise.reject(new Error('not asked'));
  await route(run, toolsOf({ resp_background: background }, never), -1);
  assert.deepEqual(run.background, { requestId: 'req_1' });
  const other = toolsOf({ resp_background: { providerResponseId: 'resp_provider' } }, never);
  await assert.rejects(route(runOf(stored), other, -1), (thrown) => {
    assert.ok(thrown instanceof TollgateError);
    assert.deepEqual([thrown.code, thrown.param], ['invalid_request', 'stream']);
    return true;
  });
  await assert.doesNotReject(route(runOf({ ...stored, stream: false }), other, -1));
});
