import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Beat, type Entry, type Frame, RequestStatus, Surface } from '@tollgate/contracts';
import { AwaitedAnswers } from './awaited.ts';
import { ingressSilenceMsMax, OwnedAnswers } from './owned.ts';
import { completeBytesMax, frameBytesMax, initialWindowBytes } from './sender.ts';

const end = { status: RequestStatus.COMPLETED, error: undefined };
const head = { headers: {}, restore: {}, owner: '', stream: true, surface: Surface.RESPONSES };
const response = { httpStatus: 200, headers: {} };

/** ingress, pipeline and upstream, with a wire in between that the test delivers and cuts. */
function setUp() {
  let nowMs = 1000;
  const wire: { to: string; entry: Entry; from: string }[] = [];
  const beats: { to: string; beat: Beat; from: string }[] = [];
  const options = (from: string) => ({
    send: (to: string, entry: Entry) => void wire.push({ to, entry, from }),
    sendBeat: (to: string, beat: Beat) => void beats.push({ to, beat, from }),
    now: () => nowMs,
  });
  const awaited = new AwaitedAnswers(options('ingress'));
  const pipeline = new OwnedAnswers(options('pipeline'));
  const upstream = new OwnedAnswers(options('upstream'));
  const frames: Frame[] = [];
  const lost: boolean[] = [];
  const receiver = awaited.open('r', {
    onFrame: (frame) => frames.push(frame),
    onLost: (dispatched) => lost.push(dispatched),
  });
  const cancels: string[] = [];
  const open = (owned: OwnedAnswers, firstSequence: 0 | 1) =>
    owned.open({ requestId: 'r', ingressInbox: 'ingress', firstSequence, onCancel: (reason) => cancels.push(reason) });
  const deliver = () => {
    for (const { to, entry, from } of wire.splice(0)) {
      if (to === 'ingress') awaited.entry(from, entry);
      else (to === 'pipeline' ? pipeline : upstream).entry(entry);
    }
  };
  return {
    awaited,
    pipeline,
    upstream,
    receiver,
    frames,
    lost,
    cancels,
    wire,
    beats,
    open,
    deliver,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const text = (frames: Frame[]) => frames.map(({ content }) => Buffer.from(content).toString()).join('');

test('frames of upstream that overtake frame 0 wait for it', () => {
  const { pipeline, upstream, open, deliver, frames, receiver, wire } = setUp();
  const owner = open(upstream, 1);
  owner.response(response);
  owner.write(Buffer.from('hello'));
  deliver();
  assert.equal(frames.length, 0);
  open(pipeline, 0).head(head);
  deliver();
  assert.deepEqual(
    frames.map(({ sequence }) => sequence),
    [0, 1, 2],
  );
  assert.equal(receiver.owner, 'upstream');
  assert.equal(wire.length, 0);
});

test('a lost frame is asked for and sent again, once each frame arrives', () => {
  const { pipeline, upstream, open, deliver, frames, wire } = setUp();
  open(pipeline, 0).head(head);
  const owner = open(upstream, 1);
  owner.response(response);
  deliver();
  owner.write(Buffer.from('a'));
  wire.splice(0);
  owner.write(Buffer.from('b'));
  owner.end(end);
  deliver();
  assert.equal(text(frames), '');
  deliver();
  deliver();
  assert.equal(text(frames), 'ab');
  assert.equal(frames.at(-1)?.end?.contentBytes, 2);
});

test('a frame that is the last one and lost comes with the next beat', () => {
  const { pipeline, upstream, open, deliver, frames, wire, awaited, beats, pass } = setUp();
  open(pipeline, 0).head(head);
  const owner = open(upstream, 1);
  owner.response(response);
  deliver();
  owner.end(end);
  wire.splice(0);
  pass(1500);
  upstream.beat('ingress', { streams: [{ requestId: 'r', nextSequence: 2, owner: '' }], answer: false });
  deliver();
  assert.ok(frames.at(-1)?.end);
  assert.deepEqual(beats.at(-1)?.beat, { streams: [{ requestId: 'r', nextSequence: 3, owner: '' }], answer: true });
  awaited.close();
});

test('the sender stops at its window and goes on with credit', async () => {
  const { pipeline, upstream, open, deliver, receiver } = setUp();
  open(pipeline, 0).head(head);
  const owner = open(upstream, 1);
  assert.equal(owner.write(Buffer.alloc(initialWindowBytes - 1)), true);
  assert.equal(owner.write(Buffer.alloc(1)), false);
  const drained = owner.drained();
  deliver();
  receiver.consumed(initialWindowBytes);
  deliver();
  await drained;
  assert.equal(owner.keptBytes, 0);
  assert.equal(owner.write(Buffer.alloc(1)), true);
});

test('what was consumed is kept no longer, behind a response too', () => {
  const { pipeline, upstream, open, deliver, receiver } = setUp();
  open(pipeline, 0).head(head);
  const answer = open(upstream, 1);
  answer.response(response);
  for (let round = 1; round <= 100; round++) {
    answer.write(Buffer.alloc(frameBytesMax));
    deliver();
    receiver.consumed(frameBytesMax);
    deliver();
    assert.equal(answer.keptBytes, 0, `round ${round}`);
  }
  answer.end(end);
  answer.resend(0);
  deliver();
  assert.equal(receiver.closed, true, 'the end is kept');
});

test('content is split into frames of at most 16 KiB', () => {
  const { pipeline, upstream, open, deliver, frames } = setUp();
  open(pipeline, 0).head(head);
  open(upstream, 1).write(Buffer.alloc(40_000));
  deliver();
  assert.deepEqual(
    frames.slice(1).map(({ content }) => content.length),
    [frameBytesMax, frameBytesMax, 40_000 - 2 * frameBytesMax],
  );
  assert.deepEqual(
    frames.slice(1).map(({ offset }) => offset),
    [0, frameBytesMax, 2 * frameBytesMax],
  );
});

test('a whole answer is one frame, and too large a one is refused', () => {
  const { pipeline, open, deliver, frames } = setUp();
  const owner = open(pipeline, 0);
  assert.throws(() => owner.complete({ head, response, content: Buffer.alloc(completeBytesMax + 1), end }), RangeError);
  owner.complete({ head: head, response, content: Buffer.from('{}'), end });
  deliver();
  assert.equal(frames.length, 1);
  assert.equal(frames[0]?.end?.contentBytes, 2);
});

test('an owner that is silent for three seconds is given up; whether it had dispatched is known', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { awaited, receiver, lost, pass, cancels } = setUp();
  receiver.accepted('pipeline');
  for (let second = 0; second < 4; second++) {
    pass(1000);
    t.mock.timers.tick(1000);
  }
  assert.deepEqual(lost, [false]);
  assert.equal(awaited.size, 0);
  assert.deepEqual(cancels, []);
});

test('an owner that answers beats is waited for', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { awaited, pipeline, receiver, open, lost, pass, beats } = setUp();
  open(pipeline, 0);
  receiver.accepted('pipeline');
  for (let second = 0; second < 10; second++) {
    pass(1000);
    t.mock.timers.tick(1000);
    for (const { to, beat, from } of beats.splice(0)) if (to === 'pipeline') pipeline.beat(from, beat);
    for (const { to, beat, from } of beats.splice(0)) if (to === 'ingress') awaited.beat(from, beat);
  }
  assert.deepEqual(lost, []);
});

test('a request that an upstream handed on belongs to the one that accepted it, whatever frame 0 says', () => {
  for (const headFirst of [true, false]) {
    const { pipeline, open, deliver, receiver, cancels, wire } = setUp();
    receiver.accepted('pipeline');
    open(pipeline, 0).head(head);
    if (headFirst) deliver();
    receiver.accepted('other-upstream');
    deliver();
    assert.equal(receiver.owner, 'other-upstream', `head first: ${headFirst}`);
    receiver.cancel('client_gone');
    assert.deepEqual(
      wire.map(({ to }) => to),
      ['other-upstream'],
    );
    assert.deepEqual(cancels, []);
  }
});

test('an ingress that does not name a request any more cancels it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { upstream, open, cancels, pass } = setUp();
  open(upstream, 1);
  pass(ingressSilenceMsMax - 1000);
  t.mock.timers.tick(1000);
  assert.deepEqual(cancels, []);
  pass(2000);
  t.mock.timers.tick(1000);
  assert.deepEqual(cancels, ['ingress_gone']);
  assert.equal(upstream.size, 0);
});

test('a caller that leaves cancels the owner, once', () => {
  const { pipeline, upstream, open, deliver, receiver, cancels } = setUp();
  open(pipeline, 0).head(head);
  open(upstream, 1).response(response);
  deliver();
  receiver.cancel('client_gone');
  receiver.cancel('client_gone');
  deliver();
  assert.deepEqual(cancels, ['client_gone']);
});

test('a beat before the first frame can be sent', () => {
  const { awaited, beats, receiver, pass } = setUp();
  receiver.accepted('pipeline');
  pass(1000);
  awaited.tick();
  const [sent] = beats;
  assert.ok(sent);
  assert.deepEqual(Beat.decode(Beat.encode(sent.beat).finish()).streams, [
    { requestId: 'r', nextSequence: 0, owner: '' },
  ]);
  awaited.close();
});

test('before its first frame the owner is learned from the beat of the one who handed over', () => {
  const { awaited, pipeline, open, deliver, receiver, beats } = setUp();
  const first = open(pipeline, 0);
  first.head(head);
  deliver();
  assert.equal(receiver.owner, 'pipeline');
  first.handOver('upstream');
  pipeline.beat('ingress', { streams: [{ requestId: 'r', nextSequence: 1, owner: '' }], answer: false });
  const told = beats.at(-1)?.beat;
  assert.ok(told);
  awaited.beat('pipeline', told);
  assert.equal(receiver.owner, 'upstream');
});

test('a caller that leaves before that reaches the owner through the one who handed over', () => {
  const { pipeline, upstream, open, deliver, receiver, cancels } = setUp();
  const first = open(pipeline, 0);
  first.head(head);
  open(upstream, 1);
  deliver();
  first.handOver('upstream');
  receiver.cancel('client_gone');
  deliver();
  deliver();
  assert.deepEqual(cancels, ['client_gone']);
});

test('whoever begins to answer a caller that is gone is told', () => {
  const { upstream, open, deliver, receiver, cancels } = setUp();
  receiver.cancel('client_gone');
  open(upstream, 1).response(response);
  deliver();
  deliver();
  assert.deepEqual(cancels, ['client_gone']);
});
