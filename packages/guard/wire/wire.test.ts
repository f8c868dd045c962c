import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GuardBatch, GuardPart, GuardReply, GuardRequest, GuardService, Surface } from '@tollgate/contracts';
import { BatchWriter } from './batch-writer.ts';
import { bulkEntryBytesMax, partBytes } from './bounds.ts';
import { envelopeOf, readEnvelope } from './envelope.ts';
import { PartAssembler, WireFault } from './part-assembler.ts';
import { PartSender } from './part-sender.ts';
import { rawGuardService } from './service.ts';
import { replyBytesBound, requestBytesBound } from './size.ts';

const request = (call: GuardRequest['call']): GuardRequest => ({
  id: 0xffff_ffff,
  requestId: 'req_ü€𝄞',
  timeoutMs: 0xffff_ffff,
  revision: Number.MAX_SAFE_INTEGER,
  proxy: 'proxy',
  guardrail: 9,
  call,
});

const error = {
  code: 'budget_exceeded',
  message: '€'.repeat(500),
  param: 'p',
  internal: '€'.repeat(2000),
  retryAfterMs: 1,
  headers: { 'x-should-retry': 'false' },
};

const receipt = {
  requestId: '€'.repeat(64),
  organizationId: '€'.repeat(64),
  organization: '€'.repeat(64),
  projectId: '€'.repeat(64),
  project: '€'.repeat(64),
  teamId: '€'.repeat(64),
  team: '€'.repeat(64),
  keyId: '€'.repeat(64),
  startedAtMs: Number.MAX_SAFE_INTEGER,
  revision: Number.MAX_SAFE_INTEGER,
  estimatedPromptTokens: Number.MAX_SAFE_INTEGER,
  estimatedCompletionTokens: Number.MAX_SAFE_INTEGER,
  reservations: Array.from({ length: 20 }, () => ({
    scope: 'organization',
    scopeId: '€'.repeat(64),
    quantity: 'completion_tokens',
    window: '1d',
    windowStartMs: Number.MAX_SAFE_INTEGER,
    windowEndMs: Number.MAX_SAFE_INTEGER,
    amount: Number.MAX_SAFE_INTEGER,
    models: ['€'.repeat(64), '€'.repeat(64)],
    selector: '€'.repeat(64),
    value: '€'.repeat(64),
  })),
};

const target = {
  provider: '€'.repeat(64),
  model: '€'.repeat(64),
  deployment: '€'.repeat(64),
  baseModel: '€'.repeat(64),
  region: '€'.repeat(64),
  probe: true,
};

test('the bound of a request is never below its size', () => {
  const calls: GuardRequest['call'][] = [
    undefined,
    { $case: 'pii', value: { texts: ['', '€'.repeat(1000), 'é', '𝄞'.repeat(100), '\ud800'.repeat(50)] } },
    {
      $case: 'auth',
      value: {
        keyHash: new Uint8Array(32),
        surface: Surface.CHAT_COMPLETIONS,
        model: '€'.repeat(200),
        startedAtMs: Number.MAX_SAFE_INTEGER,
        bodyBytes: 0xffff_ffff,
        outputTokensMax: 0xffff_ffff,
        n: 0xffff_ffff,
        stream: true,
        user: '€'.repeat(200),
        metadata: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`€${i}`, '€'.repeat(500)])),
        clientAddress: '::1',
        owner: 'tg.v1.in.pipeline',
        idempotency: { key: new Uint8Array(32), body: new Uint8Array(32), abandoned: '€'.repeat(500) },
      },
    },
    {
      $case: 'cache',
      value: {
        scopeId: '€',
        fingerprint: new Uint8Array(32),
        text: '€'.repeat(1000),
        surface: Surface.RESPONSES,
        stream: true,
        includeUsage: true,
        teamId: '€'.repeat(300),
      },
    },
    { $case: 'route', value: { model: '€'.repeat(100), startedAtMs: 1, teamId: '€'.repeat(300) } },
    {
      $case: 'route',
      value: {
        model: '',
        startedAtMs: Number.MAX_SAFE_INTEGER,
        teamId: '€'.repeat(300),
        affinity: {
          responseId: '€'.repeat(2000),
          itemIds: Array.from({ length: 1024 }, () => '€'.repeat(256)),
          contentMarks: Array.from({ length: 16 }, () => '€'.repeat(100)),
          action: 'input_items',
        },
      },
    },
  ];
  for (const call of calls) {
    const entry = request(call);
    const bytes = GuardRequest.encode(entry).finish().length;
    assert.ok(requestBytesBound(entry) >= bytes, `${call?.$case}: ${requestBytesBound(entry)} < ${bytes}`);
  }
});

test('the bound of a reply is never below its size', () => {
  const tokens = { prompt: 2 ** 53 - 1, completion: 2 ** 53 - 1, cachedPrompt: 2 ** 53 - 1, reasoning: 2 ** 53 - 1 };
  const results: GuardReply['result'][] = [
    undefined,
    { $case: 'error', value: error },
    {
      $case: 'auth',
      value: {
        receipt,
        refusal: error,
        headers: { 'x-ratelimit-limit-tokens': '€'.repeat(99) },
        hits: { ['€'.repeat(900)]: 1 },
        models: ['€'.repeat(300), '', 'gpt-4o'],
      },
    },
    {
      $case: 'auth',
      value: {
        ...{ receipt, refusal: undefined, headers: {}, hits: {}, models: [] },
        idempotency: { running: '€'.repeat(500), answer: new Uint8Array(200_000) },
      },
    },
    {
      $case: 'pii',
      value: {
        masked: [{ index: 0xffff_ffff, text: '€'.repeat(1000) }],
        entities: { EMAIL: 0xffff_ffff },
        originals: { '[EMAIL_0000]': '€'.repeat(100) },
        refusal: error,
      },
    },
    { $case: 'cache', value: { hit: undefined } },
    {
      $case: 'cache',
      value: {
        hit: {
          body: new Uint8Array(5000),
          contentType: 'text/event-stream',
          similarity: 1,
          ageSeconds: 0xffff_ffff,
          provider: '€'.repeat(64),
          model: '€'.repeat(64),
          baseModel: '€'.repeat(64),
          tokens,
          costNanoUsd: Number.MAX_SAFE_INTEGER,
        },
      },
    },
    {
      $case: 'route',
      value: {
        targets: [target, target, target],
        attemptsMax: 3,
        refusal: error,
        providerResponseId: '€'.repeat(300),
      },
    },
  ];
  for (const result of results) {
    const reply = { id: 0xffff_ffff, result };
    const bytes = GuardReply.encode(reply).finish().length;
    assert.ok(replyBytesBound(reply) >= bytes, `${result?.$case}: ${replyBytesBound(reply)} < ${bytes}`);
  }
});

test('a batch written entry by entry is the batch of the proto file', () => {
  const writer = new BatchWriter();
  const first = request({ $case: 'pii', value: { texts: ['one'] } });
  const second = { ...request({ $case: 'pii', value: { texts: ['two'] } }), id: 7, timeoutMs: 8 };
  writer.request(first);
  const head = GuardRequest.encode({ ...second, id: 0, timeoutMs: 0 }).finish();
  writer.encodedRequest(head, envelopeOf(7, 8));
  assert.deepEqual(GuardBatch.decode(writer.take()), { requests: [first, second], replies: [], draining: false });
  assert.equal(writer.entries, 0);
  assert.equal(writer.take().length, 0);
});

test('the envelope of an encoded request is read without its call, the last values count', () => {
  const entry = request({ $case: 'pii', value: { texts: ['x'.repeat(100_000)] } });
  const bytes = GuardRequest.encode(entry).finish();
  assert.deepEqual(readEnvelope(bytes), { ...entry, call: undefined });
  const other = readEnvelope(Buffer.concat([bytes, envelopeOf(5, 6)]));
  assert.deepEqual(other, { ...entry, call: undefined, id: 5, timeoutMs: 6 });
  assert.throws(() => readEnvelope(bytes.subarray(0, 1000)), WireFault);
  assert.throws(() => readEnvelope(new Uint8Array([0xff, 0xff])), WireFault);
});

test('large entries are sent in turns, one part at a time, and put together again', () => {
  const parts: Buffer[] = [];
  const written: (() => void)[] = [];
  const sender = new PartSender((part, done) => {
    parts.push(part);
    written.push(done);
  });
  const entries = [5.5, 1, 2.25].map((size, i) => Buffer.alloc(Math.round(size * partBytes), `entry ${i} `));
  entries.forEach((bytes, i) => {
    sender.send(i + 1, bytes.subarray(0, -3), bytes.subarray(-3));
  });
  assert.equal(parts.length, 1);
  while (written.length > 0) written.shift()?.();
  assert.ok(sender.idle);
  const ids = parts.map((part) => GuardPart.decode(part).id);
  // The second and third came while the first part of the first was being written.
  assert.deepEqual(ids.slice(0, 6), [1, 1, 2, 3, 1, 3]);
  assert.ok(parts.every((part) => part.length <= partBytes + 64));
  const assembler = new PartAssembler();
  const whole = parts.map((part) => assembler.add(part)).filter((entry) => entry !== undefined);
  assert.deepEqual(
    whole.map(({ id }) => id),
    [2, 3, 1],
  );
  for (const { id, bytes } of whole) assert.ok(entries[id - 1]?.equals(bytes), `entry ${id}`);
});

test('a cancelled entry is forgotten at both ends', () => {
  const assembler = new PartAssembler();
  const received: number[] = [];
  const written: (() => void)[] = [];
  const sender = new PartSender((part, done) => {
    const entry = assembler.add(part);
    if (entry !== undefined) received.push(entry.id);
    written.push(done);
  });
  sender.send(1, Buffer.alloc(partBytes * 3));
  sender.send(2, Buffer.alloc(partBytes * 3));
  written.shift()?.();
  sender.cancel(1);
  while (written.length > 0) written.shift()?.();
  assert.deepEqual(received, [2]);
  // Its id may be used again: nothing of it is left.
  sender.send(1, Buffer.alloc(10));
  assert.deepEqual(received, [2, 1]);
});

test('parts that no sender of this build sends are refused', () => {
  const add = (...parts: Partial<GuardPart>[]) => {
    const assembler = new PartAssembler();
    for (const part of parts) {
      assembler.add(GuardPart.encode({ id: 1, totalBytes: 10, offset: 0, data: Buffer.alloc(5), ...part }).finish());
    }
  };
  assert.throws(() => add({ offset: 5 }), WireFault, 'middle without a beginning');
  assert.throws(() => add({}, {}), WireFault, 'begun twice');
  assert.throws(() => add({}, { offset: 6 }), WireFault, 'gap');
  assert.throws(() => add({}, { offset: 5, data: Buffer.alloc(6) }), WireFault, 'beyond its size');
  assert.throws(() => add({ totalBytes: bulkEntryBytesMax + 1 }), WireFault, 'too large');
  assert.throws(
    () => add(...[1, 2, 3, 4, 5].map((id) => ({ id, totalBytes: bulkEntryBytesMax }))),
    WireFault,
    'too many',
  );
});

test('the raw service has the paths of the proto file', () => {
  assert.equal(rawGuardService.exchange.path, GuardService.exchange.path);
  assert.equal(rawGuardService.exchangeBulk.path, GuardService.exchangeBulk.path);
});
