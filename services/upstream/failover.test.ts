import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { RequestStatus, Surface } from '@tollgate/contracts';
import type { AzureSimulator } from '@tollgate/testing/azure';
import { Harness } from './testing/harness.ts';
import { type Answer, chat, type DispatchFields, target } from './testing/peer.ts';

type FaultSpec = Parameters<AzureSimulator['addFault']>[0];

let harness: Harness;
before(async () => {
  harness = await Harness.start();
  await harness.apply(
    harness.provider('azure') +
      harness.provider('away', { endpoint: 'http://127.0.0.1:1' }) +
      harness.provider('keyless', { keyFile: 'no-such-key' }),
  );
  await harness.service('upstream-a', { TOLLGATE_UPSTREAM_IDLE_TIMEOUT_MS: '300' });
});
after(() => harness?.close());
beforeEach(() => harness.simulator.reset());

const surfaces: Record<string, (prompt: string, stream: boolean) => DispatchFields> = {
  chat: (prompt, stream) => ({
    body: chat(prompt, stream ? { stream, stream_options: { include_usage: true } } : {}),
  }),
  responses: (prompt, stream) => ({ body: { model: 'x', input: prompt, stream }, surface: Surface.RESPONSES }),
};
const shapes = Object.entries(surfaces).flatMap(([name, fields]) => [
  { name: `${name}, JSON`, stream: false, fields: (prompt: string) => fields(prompt, false) },
  { name: `${name}, stream`, stream: true, fields: (prompt: string) => fields(prompt, true) },
]);
const targets = [target('gpt-4o'), target('mini')];
const first = (fault: FaultSpec) => harness.simulator.addFault({ deployment: 'gpt-4o', ...fault });
const all = (fault: FaultSpec) => harness.simulator.addFault(fault);
const reported = async ({ requestId }: Answer, count = 1) =>
  (await harness.peer.reportsOf(requestId, count)).map(({ model, outcome, retryAfterMs }) => ({
    model,
    outcome,
    retryAfterMs,
  }));

/** The second target answered as if nothing had been. */
async function assertServedBySecond(answer: Answer, code: string, httpStatus: number): Promise<void> {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /Paris/);
  assert.equal(answer.end.status, RequestStatus.COMPLETED);
  assert.equal(answer.headers['x-tollgate-model'], 'mini');
  assert.equal(answer.headers['x-tollgate-attempts'], '2');
  const row = await harness.peer.row(answer.requestId);
  assert.equal(row.status, RequestStatus.COMPLETED);
  assert.equal(row.model, 'mini');
  assert.deepEqual(
    row.attempts.map((attempt) => [attempt.model, attempt.httpStatus, attempt.code]),
    [
      ['gpt-4o', httpStatus, code],
      ['mini', 200, ''],
    ],
  );
  const issued = harness.simulator.calls().at(-1)?.usage;
  assert.deepEqual([row.served?.prompt, row.served?.completion], [issued?.promptTokens, issued?.completionTokens]);
}

const failures: { name: string; fault: FaultSpec; code: string; status: number; outcome?: string; waitMs?: number }[] =
  [
    { name: '429', fault: { kind: 'status', status: 429 }, code: 'RateLimitReached', status: 429, outcome: 'suspend' },
    {
      name: '429 with retry-after-ms',
      fault: { kind: 'status', status: 429, retryAfterMs: 1234, retryAfterSeconds: 9 },
      code: 'RateLimitReached',
      status: 429,
      outcome: 'suspend',
      waitMs: 1234,
    },
    {
      name: '503 with retry-after',
      fault: { kind: 'status', status: 503, retryAfterSeconds: 7 },
      code: 'ServiceUnavailable',
      status: 503,
      outcome: 'suspend',
      waitMs: 7000,
    },
    {
      name: '529',
      fault: { kind: 'status', status: 529, body: 'overloaded' },
      code: 'http_529',
      status: 529,
      outcome: 'suspend',
    },
    {
      name: '500',
      fault: { kind: 'status', status: 500, body: '<html>', contentType: 'text/html' },
      code: 'http_500',
      status: 500,
      outcome: 'suspect',
    },
    { name: '401', fault: { kind: 'status', status: 401 }, code: '401', status: 401 },
    { name: '404', fault: { kind: 'status', status: 404 }, code: 'DeploymentNotFound', status: 404 },
    {
      name: 'a cut before the headers',
      fault: { kind: 'cutBeforeHeaders' },
      code: 'cut',
      status: 0,
      outcome: 'suspect',
    },
    { name: 'another content type', fault: { kind: 'contentType' }, code: 'garbage', status: 200, outcome: 'suspect' },
  ];

for (const { name, fields } of shapes) {
  for (const { name: failure, fault, code, status, outcome, waitMs = 0 } of failures) {
    test(`${name}: ${failure} at the first target is invisible`, async () => {
      first(fault);
      const answer = await harness.peer.ask({ ...fields('Capital of France?'), targets });
      await assertServedBySecond(answer, code, status);
      if (outcome) assert.deepEqual(await reported(answer), [{ model: 'gpt-4o', outcome, retryAfterMs: waitMs }]);
      else
        assert.deepEqual(
          harness.peer.reports.filter(({ requestId }) => requestId === answer.requestId),
          [],
        );
    });
  }

  test(`${name}: a provider that is away is suspended at once`, async () => {
    const away = target('gpt-4o', { provider: 'away' });
    const answer = await harness.peer
      .ask({ ...fields('Capital of France?'), targets: [away, target('mini')] })
      .catch((error) => error);
    assert.deepEqual(await reported(answer), [{ model: 'gpt-4o', outcome: 'suspend', retryAfterMs: 0 }]);
    await assertServedBySecond(answer, 'unreachable', 0);
  });

  test(`${name}: silence of the first target leaves time for the second`, async () => {
    first({ kind: 'hangBeforeHeaders' });
    const deadlineAtMs = Date.now() + 800;
    const answer = await harness.peer.ask({ ...fields('Capital of France?'), targets, deadlineAtMs });
    assert.deepEqual(await reported(answer), [{ model: 'gpt-4o', outcome: 'suspect', retryAfterMs: 0 }]);
    assert.equal(answer.headers['x-tollgate-model'], 'mini');
    const row = await harness.peer.row(answer.requestId);
    assert.equal(row.attempts[0]?.code, 'timeout');
    assert.equal(row.estimated, true, 'the abandoned call ran on at the provider, and was billed');
    assert.equal(row.billed?.prompt, 33 + (row.served?.prompt ?? 0));
  });

  test(`${name}: all are limited: 429 with the soonest time`, async () => {
    first({ kind: 'status', status: 429, retryAfterMs: 9000 });
    all({ kind: 'status', status: 429, retryAfterMs: 2500, deployment: 'gpt-4o-mini' });
    const answer = await harness.peer.ask({ ...fields('Capital of France?'), targets });
    assert.equal(answer.status, 429);
    assert.equal(answer.end.error?.code, 'upstream_rate_limited');
    assert.equal(answer.end.error?.retryAfterMs, 2500);
    assert.equal(answer.text, '');
    const row = await harness.peer.row(answer.requestId);
    assert.deepEqual(
      [row.status, row.httpStatus, row.code, row.model],
      [RequestStatus.FAILED, 429, 'upstream_rate_limited', ''],
    );
    assert.equal(row.costNanoUsd, 0);
  });

  test(`${name}: nobody accepts our credential: 502 upstream_misconfigured`, async () => {
    all({ kind: 'status', status: 401 });
    const answer = await harness.peer.ask({ ...fields('Capital of France?'), targets });
    assert.equal(answer.status, 502);
    assert.equal(answer.end.error?.code, 'upstream_misconfigured');
  });

  test(`${name}: all are broken: 502 upstream_error, after as many attempts as are allowed`, async () => {
    all({ kind: 'status', status: 500 });
    const answer = await harness.peer.ask({
      ...fields('Capital of France?'),
      targets: [...targets, target()],
      attemptsMax: 2,
    });
    assert.equal(answer.status, 502);
    assert.equal(answer.end.error?.code, 'upstream_error');
    assert.equal(answer.headers['x-tollgate-attempts'], '2');
    assert.equal(harness.simulator.calls().length, 2);
  });

  test(`${name}: time runs out: 504 upstream_timeout naming the stage`, async () => {
    all({ kind: 'hangBeforeHeaders' });
    const answer = await harness.peer.ask({ ...fields('Capital of France?'), deadlineAtMs: Date.now() + 150 });
    assert.equal(answer.status, 504);
    assert.equal(answer.end.error?.code, 'upstream_timeout');
    assert.match(answer.end.error?.message ?? '', /stage upstream/);
    await harness.simulator.waitForCalls({ ended: true });
    assert.equal(harness.simulator.calls()[0]?.aborted, true, 'the call was ended');
  });
}

// Before the first content the provider's stream may fail in any way.
const early: { name: string; fault: FaultSpec; code: string }[] = [
  { name: 'a cut after the headers', fault: { kind: 'cutAfterHeaders' }, code: 'cut' },
  { name: 'a cut before the content', fault: { kind: 'cut', afterChunks: 0 }, code: 'cut' },
  { name: 'an end before the content', fault: { kind: 'truncate', afterChunks: 0 }, code: 'cut' },
  { name: 'garbage', fault: { kind: 'garbage', afterChunks: 0 }, code: 'garbage' },
  { name: 'an error in the stream', fault: { kind: 'errorInOk', afterChunks: 0, status: 500 }, code: 'server_error' },
];
const late: { name: string; fault: FaultSpec; code: string }[] = [
  { name: 'a cut', fault: { kind: 'cut', afterChunks: 3, chunkDelayMs: 5 }, code: 'cut' },
  { name: 'an end without the last event', fault: { kind: 'truncate', afterChunks: 3, chunkDelayMs: 5 }, code: 'cut' },
  { name: 'garbage', fault: { kind: 'garbage', afterChunks: 3, chunkDelayMs: 5 }, code: 'garbage' },
  {
    name: 'an error in the stream',
    fault: { kind: 'errorInOk', afterChunks: 3, chunkDelayMs: 5 },
    code: 'server_error',
  },
  { name: 'silence', fault: { kind: 'hang', afterChunks: 3, chunkDelayMs: 5 }, code: 'timeout' },
];

for (const [name, fields] of Object.entries(surfaces)) {
  for (const { name: failure, fault, code } of early) {
    test(`${name}, stream: ${failure} is invisible before the first content`, async () => {
      first(fault);
      const answer = await harness.peer.ask({ ...fields('Capital of France?', true), targets });
      assert.equal(answer.headers['x-tollgate-model'], 'mini');
      assert.equal(answer.end.status, RequestStatus.COMPLETED);
      assert.match(answer.text, /Paris/);
      assert.doesNotMatch(answer.text, /gpt-4o-2024/, 'not a byte of the first target');
      const [attempt] = (await harness.peer.row(answer.requestId)).attempts;
      assert.equal(attempt?.code, code);
      assert.equal(attempt?.httpStatus, fault.kind === 'errorInOk' ? 500 : 200);
      assert.deepEqual(await reported(answer), [{ model: 'gpt-4o', outcome: 'suspect', retryAfterMs: 0 }]);
    });
  }

  for (const { name: failure, fault, code } of late) {
    test(`${name}, stream: ${failure} after the first content is an error, never an end`, async () => {
      first(fault);
      const answer = await harness.peer.ask({ ...fields('Write 200 words', true), targets });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
      assert.equal(answer.end.status, RequestStatus.TRUNCATED);
      assert.equal(answer.end.error?.code, code === 'timeout' ? 'upstream_timeout' : 'upstream_error');
      assert.doesNotMatch(answer.text, /\[DONE\]|response\.completed/);
      assert.match(answer.text, /\n\n$/, 'whole events only');
      const row = await harness.peer.row(answer.requestId);
      assert.equal(row.status, RequestStatus.TRUNCATED);
      assert.equal(row.attempts.length, 1, 'no second target after the first content');
      assert.equal(row.attempts[0]?.code, code);
      assert.equal(row.estimated, true);
      assert.equal(row.version, 2);
      assert.equal(row.served?.prompt, 33);
      assert.ok((row.served?.completion ?? 0) > 0 && row.costNanoUsd > 0, 'charged for what was seen');
      assert.equal((await reported(answer))[0]?.outcome, 'suspect');
    });
  }
}

test('a rate limit inside of a 200 (Azure, Responses): the next target, then 429 with its Retry-After', async () => {
  first({ kind: 'responsesRateLimit', retryAfterSeconds: 4 });
  const fields = { body: { model: 'x', input: 'Capital of France?', stream: true }, surface: Surface.RESPONSES };
  const served = await harness.peer.ask({ ...fields, targets });
  await assertServedBySecond(served, 'rate_limit_exceeded', 429);
  assert.deepEqual(await reported(served), [{ model: 'gpt-4o', outcome: 'suspend', retryAfterMs: 4000 }]);
  const refused = await harness.peer.ask(fields);
  assert.equal(refused.status, 429);
  assert.equal(refused.end.error?.retryAfterMs, 4000);
});

for (const kind of ['cut', 'truncate', 'garbage', 'errorInOk'] as const) {
  test(`JSON: ${kind} in the middle of the body is invisible`, async () => {
    first({ kind });
    const answer = await harness.peer.ask({ body: chat('Capital of France?'), targets });
    assert.equal(answer.headers['x-tollgate-model'], 'mini');
    assert.equal(JSON.parse(answer.text).choices.length, 1);
  });
}

test('a stream keeps the deadline of its first content, and may run on after it', async () => {
  const fields = { body: chat('Write 20 words', { stream: true, stream_options: { include_usage: true } }) };
  all({ kind: 'hangAfterHeaders', count: 1 });
  const silent = await harness.peer.ask({ ...fields, firstContentByMs: Date.now() + 200 });
  assert.equal(silent.end.error?.code, 'upstream_timeout');
  assert.match(silent.end.error?.message ?? '', /first content/);
  all({ chunkDelayMs: 30 });
  const startedAtMs = Date.now();
  const slow = await harness.peer.ask({ ...fields, firstContentByMs: startedAtMs + 300 });
  assert.equal(slow.end.status, RequestStatus.COMPLETED);
  assert.ok(Date.now() > startedAtMs + 300);
});

test('a target without a credential is passed over; a request that has no other one is not taken', async () => {
  const keyless = target('gpt-4o', { provider: 'keyless' });
  await assert.rejects(
    harness.peer.ask({ body: chat('hi'), targets: [keyless] }),
    /upstream_misconfigured.*no-such-key/,
  );
  first({ kind: 'status', status: 500 });
  const answer = await harness.peer.ask({ body: chat('hi'), targets: [target(), keyless, target('mini')] });
  assert.equal(answer.headers['x-tollgate-model'], 'mini');
  const row = await harness.peer.row(answer.requestId);
  assert.deepEqual(
    row.attempts.map(({ code }) => code),
    ['server_error', 'misconfigured', ''],
  );
});

test('what comes of a probe is reported, good and bad', async () => {
  const probe = target('gpt-4o', { probe: true });
  const good = await harness.peer.ask({ body: chat('Capital of France?'), targets: [probe] });
  assert.deepEqual(await reported(good), [{ model: 'gpt-4o', outcome: 'ok', retryAfterMs: 0 }]);
  first({ kind: 'status', status: 401 });
  const bad = await harness.peer.ask({ body: chat('Capital of France?'), targets: [probe, target('mini')] });
  assert.deepEqual(await reported(bad), [{ model: 'gpt-4o', outcome: 'suspect', retryAfterMs: 0 }]);
});
