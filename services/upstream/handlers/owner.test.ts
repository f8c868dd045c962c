import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerSender, Bus } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import { Dispatch, type Entry, Receipt, Surface, type Target, UsageEvent } from '@tollgate/contracts';
import { createLogger } from '@tollgate/telemetry';
import { Owner, type OwnerDependencies } from './owner.ts';
import type { Run } from './run.ts';

const noBytes = new Uint8Array(0);
const target = (model: string): Target => ({
  ...{ provider: 'azure', model, deployment: model, baseModel: model, region: '', probe: false },
});

function dispatch(requestId: string, fields: Partial<Dispatch> = {}): Uint8Array {
  const receipt = { ...Receipt.decode(noBytes), requestId, organizationId: 'acme' };
  return Dispatch.encode({
    ...Dispatch.decode(noBytes),
    ...{ requestId, dispatch: 1, acceptByMs: Date.now() + 10_000, surface: Surface.CHAT_COMPLETIONS },
    // Of two targets neither's credential is looked at before the first attempt.
    ...{ targets: [target('a'), target('b')], usage: { ...UsageEvent.decode(noBytes), receipt } },
    ...{ pipelineInbox: 'pipeline', ingressInbox: 'ingress', body: Buffer.from('{}'), bodyBytes: 2 },
    ...fields,
  }).finish();
}

/** An owner whose requests run until they are told to end. */
function setUp(bounds: { runsMax?: number; bodyBytesMax?: number } = {}) {
  const running = new Map<string, () => void>();
  const entries: Entry[] = [];
  const state = { usageIsFull: false };
  const answer = { closed: true, cancel: () => {} } as unknown as AnswerSender;
  const owner = new Owner({
    bus: {
      ...{ replica: 'upstream-1', inbox: 'upstream' },
      usage: { full: () => state.usageIsFull },
      mailbox: { send: (_to: string, entry: Entry) => entries.push(entry) },
      config: { at: () => ({}) as ConfigSnapshot },
      owned: { open: () => answer },
    } as unknown as Bus,
    serve: {
      serve: ({ requestId }: Run) => new Promise<void>((resolve) => running.set(requestId, resolve)),
    } as OwnerDependencies['serve'],
    keep: { ended: async () => {} } as unknown as OwnerDependencies['keep'],
    metrics: { turnedAway: () => {} } as unknown as OwnerDependencies['metrics'],
    logger: createLogger({ service: 'upstream', replica: 'test', level: 'silent' }),
    ...{ runsMax: 10, bodyBytesMax: 100, ...bounds },
  } as OwnerDependencies);
  /** What pipeline hears of a dispatch. */
  const offer = (requestId: string, fields?: Partial<Dispatch>) => {
    entries.length = 0;
    owner.take(dispatch(requestId, fields));
    const said = entries.map(({ body }) =>
      body?.$case === 'rejected' ? `${body.value.error?.code}: ${body.value.error?.internal}` : body?.$case,
    );
    return said.join();
  };
  const end = async (requestId: string) => {
    running.get(requestId)?.();
    while (owner.receipts().some((receipt) => receipt.requestId === requestId))
      await new Promise((resolve) => setImmediate(resolve));
  };
  return { owner, offer, end, state };
}

test('while usage is not acknowledged nothing is taken; what runs goes on', async () => {
  const { owner, offer, end, state } = setUp();
  assert.equal(offer('first'), 'accepted');
  state.usageIsFull = true;
  assert.equal(offer('second'), 'overloaded: usage is not being acknowledged');
  assert.equal(owner.running, 1);
  assert.equal(offer('first'), 'accepted', 'it is owned already');
  state.usageIsFull = false;
  assert.equal(offer('second'), 'accepted');
  await end('first');
  await end('second');
  assert.equal(owner.running, 0);
});

test('at its bounds nothing is taken until something has ended', async () => {
  const many = setUp({ runsMax: 1 });
  assert.equal(many.offer('first'), 'accepted');
  assert.equal(many.offer('second'), 'overloaded: too many requests are running');
  await many.end('first');
  assert.equal(many.offer('second'), 'accepted');
  const large = setUp({ bodyBytesMax: 3 });
  assert.equal(large.offer('first'), 'accepted');
  assert.equal(large.offer('second'), 'overloaded: the bodies of running requests fill their bound');
  await large.end('first');
  assert.equal(large.offer('second'), 'accepted');
});

test('nothing is taken without a receipt, which it could not be accounted for by', () => {
  const { owner, offer } = setUp();
  assert.match(offer('first', { usage: UsageEvent.decode(noBytes) }), /^internal_error/);
  assert.match(offer('second', { targets: [] }), /^internal_error/);
  assert.equal(owner.running, 0);
});
