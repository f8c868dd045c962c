import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultList, parseFault, takeMarker } from './faults.ts';

const CHAT = { deployment: 'gpt-4o', surface: 'chat', stream: false } as const;

test('a fault takes the calls that match, as often as it was told', () => {
  const faults = new FaultList();
  faults.add({ kind: 'status', status: 429, deployment: 'gpt-4o', count: 2 });
  assert.equal(faults.take({ ...CHAT, deployment: 'gpt-4o-mini' }), undefined);
  assert.equal(faults.take(CHAT)?.status, 429);
  assert.equal(faults.take(CHAT)?.status, 429);
  assert.equal(faults.take(CHAT), undefined);
  assert.deepEqual(faults.list(), []);
});

test('without a count it stays until it is cleared, and the first that matches wins', () => {
  const faults = new FaultList();
  faults.add({ kind: 'hangBeforeHeaders', stream: true });
  faults.add({ kind: 'garbage', surface: 'chat' });
  faults.add({ delayMs: 1 });
  assert.equal(faults.take({ ...CHAT, stream: true })?.kind, 'hangBeforeHeaders');
  assert.equal(faults.take(CHAT)?.kind, 'garbage');
  assert.equal(faults.take({ ...CHAT, surface: 'responses' })?.delayMs, 1);
  assert.equal(faults.take(CHAT)?.kind, 'garbage');
  faults.clear();
  assert.equal(faults.take(CHAT), undefined);
});

test('a wrong fault is refused with every wrong field named', () => {
  assert.throws(() => parseFault({ kind: 'explode', statsu: 500, delayMs: -1 }), {
    name: 'TypeError',
    message: 'Not a fault: kind cannot be "explode"; statsu is unknown; delayMs cannot be -1',
  });
  assert.throws(() => parseFault({ kind: 'status' }), /kind status needs a status/);
  assert.throws(() => parseFault({ count: 0 }), /count cannot be 0/);
  assert.throws(() => parseFault('429'), /JSON object/);
});

test('a fault may travel in the prompt', () => {
  const marked = takeMarker('Hello [[sim {"kind":"cut","afterChunks":2}]]');
  assert.deepEqual(marked, { prompt: 'Hello', fault: { kind: 'cut', afterChunks: 2 } });
  assert.deepEqual(takeMarker('Hello'), { prompt: 'Hello', fault: undefined });
  assert.throws(() => takeMarker('[[sim {"kind":"cutt"}]]'), /kind cannot be "cutt"/);
  assert.throws(() => takeMarker('[[sim {kind}]]'), /holds no JSON/);
});
