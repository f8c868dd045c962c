import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnswerSender, type Bus, keptContentBytesMax, unpackedContent } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import { Dispatch, IdempotencyEnd, KeptAnswer, Receipt, UsageEvent } from '@tollgate/contracts';
import { createLogger } from '@tollgate/telemetry';
import { Keep } from './keep.ts';
import { Run } from './run.ts';

const noBytes = new Uint8Array(0);
const key = Uint8Array.of(1, 2, 3);
const served = { prompt: 5, completion: 7, cachedPrompt: 0, reasoning: 0 };
const target = {
  ...{ provider: 'azure', model: 'gpt-4o', deployment: 'prod', baseModel: 'gpt-4o', region: '', probe: false },
};
const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });

function setUp() {
  const told: IdempotencyEnd[] = [];
  const request = async (_subject: string, bytes: Uint8Array) => {
    told.push(IdempotencyEnd.decode(bytes));
    return Uint8Array.of(1);
  };
  const receipt = { ...Receipt.decode(noBytes), organizationId: 'acme', teamId: 'sample.engineering' };
  const row = { ...UsageEvent.decode(noBytes), receipt };
  const dispatch = { ...Dispatch.decode(noBytes), requestId: 'r', idempotencyKey: key };
  const run = new Run(dispatch, row, {} as ConfigSnapshot, {} as AnswerSender);
  return { run, told, keep: new Keep({ request } as unknown as Bus, logger) };
}

test('a whole answer is told as its caller got it, without what was only for that one, in the turn in which it ends', async () => {
  const { run, told, keep } = setUp();
  if (run.recording) run.recording.headers = { 'content-type': 'text/event-stream', 'x-ms-region': 'west' };
  run.recording?.push(Buffer.from('data: 1\n\n'));
  run.recording?.push(Buffer.from('data: [DONE]\n\n'));
  const done = keep.answered(run, target, served);
  assert.equal(told.length, 1);
  await done;
  const [end] = told;
  assert.deepEqual(
    [end?.requestId, end?.organizationId, end?.teamId, [...(end?.key ?? [])], end?.unkept],
    ['r', 'acme', 'sample.engineering', [...key], false],
  );
  const kept = KeptAnswer.decode(end?.answer ?? noBytes);
  assert.deepEqual(kept.headers, { 'content-type': 'text/event-stream', 'x-tollgate-model': 'gpt-4o' });
  assert.equal(Buffer.from(await unpackedContent(kept)).toString(), 'data: 1\n\ndata: [DONE]\n\n');
  assert.deepEqual([kept.provider, kept.baseModel, kept.served], ['azure', 'gpt-4o', { ...kept.served, ...served }]);
  run.row.finishedAtMs = 1;
  await keep.ended(run);
  assert.equal(told.length, 1, 'once');
  run.recording?.close();
});

test('an answer larger than is kept is told of without it, and its room is given back', async () => {
  for (let round = 0; round < 40; round++) {
    const { run, told, keep } = setUp();
    run.recording?.push(Buffer.alloc(keptContentBytesMax));
    run.recording?.push(Buffer.alloc(1));
    await keep.answered(run, target, served);
    assert.deepEqual([told[0]?.unkept, told[0]?.answer.length], [true, 0], `round ${round}`);
    run.recording?.close();
  }
});

test('recordings share a room: what finds none is not kept, and there is some again when others end', () => {
  const runs = Array.from({ length: 17 }, () => setUp().run);
  for (const { recording } of runs) recording?.push(Buffer.alloc(keptContentBytesMax));
  assert.deepEqual(
    runs.map(({ recording }) => recording?.content() !== undefined),
    [...Array(16).fill(true), false],
  );
  for (const { recording } of runs) recording?.close();
  const { run } = setUp();
  run.recording?.push(Buffer.from('again'));
  assert.equal(run.recording?.content()?.length, 5);
  run.recording?.close();
});

test('any other end frees the key; what is nobody’s end, or somebody else’s, tells nothing', async () => {
  const failed = setUp();
  failed.run.row.finishedAtMs = 1;
  await failed.keep.ended(failed.run);
  assert.deepEqual([failed.told[0]?.unkept, failed.told[0]?.answer.length], [false, 0]);
  const handedOn = setUp();
  await handedOn.keep.ended(handedOn.run);
  const superseded = setUp();
  superseded.run.row.finishedAtMs = 1;
  superseded.run.stop('superseded');
  await superseded.keep.ended(superseded.run);
  assert.deepEqual([handedOn.told, superseded.told], [[], []]);
});

test('a request without a key records and tells nothing', async () => {
  const { run, told, keep } = setUp();
  const plain = new Run({ ...run.dispatch, idempotencyKey: undefined }, run.row, run.snapshot, run.answer);
  plain.row.finishedAtMs = 1;
  await keep.answered(plain, target, served);
  await keep.ended(plain);
  assert.deepEqual([plain.recording, told], [undefined, []]);
});
