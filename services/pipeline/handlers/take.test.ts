import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import type { ConfigSnapshot } from '@tollgate/config';
import { RequestStatus } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import { type GuardPool, guardPool, NearGuards, serveGuard } from '@tollgate/guard';
import { createMetrics } from '@tollgate/telemetry';
import { ParsePool } from '../adapters/parse-pool.ts';
import { answering, memoryBus, Stand, type StandOptions, silent, snapshotWith } from '../testing/stand.ts';

/** One for all: its thread takes a while to start. */
const parser = new ParsePool();
after(() => parser.close());
const stand = (snapshot: ConfigSnapshot, pools: StandOptions['pools'] = {}, runsMax = 10) =>
  new Stand({ snapshot, parser, pools, runsMax });

const unavailable = new TollgateError('guard_unavailable', { retryAfterMs: 1000 });
const errorOf = (error: TollgateError) => ({ $case: 'error' as const, value: toErrorDetail(error) });
const throwing = (error: Error) => answering(() => Promise.reject(error));

type Kind = 'pii' | 'cache';
const metrics = () => createMetrics('pipeline-test');

/** A pool that no guard has announced itself to. */
function abandoned(kind: Kind, t: TestContext): GuardPool {
  const pool = guardPool({ kind, bus: memoryBus(), logger: silent, metrics: metrics() });
  t.after(() => pool.close());
  return pool;
}

/** A pool with a guard that takes all and answers nothing. */
async function hanging(kind: Kind, t: TestContext): Promise<GuardPool> {
  const [bus, near] = [memoryBus(), new NearGuards()];
  const closes: (() => Promise<void>)[] = [];
  await serveGuard({
    ...{ kind, bus, logger: silent, metrics: metrics(), ready: () => true },
    env: { host: '127.0.0.1', port: 0, announceHost: '127.0.0.1' },
    handle: () => new Promise<never>(() => {}),
    scope: {
      replica: 'hangs',
      drain: () => {},
      defer: (_name, close) => closes.unshift(close),
      shared: <T>() => near as T,
    },
  });
  const pool = guardPool({ kind, bus, near, logger: silent, metrics: metrics() });
  t.after(async () => {
    pool.close();
    for (const close of closes) await close();
  });
  return pool;
}

interface Failure {
  status: number;
  code: string;
  pool(kind: Kind, t: TestContext): GuardPool | Promise<GuardPool>;
  /** What the request may take. */
  deadlineMs?: number;
}

const failures: Record<string, Failure> = {
  'answers that it cannot': {
    ...{ status: 503, code: 'guard_unavailable' },
    pool: () => answering(() => errorOf(unavailable)),
  },
  'answers that its store is away': {
    ...{ status: 503, code: 'store_unavailable' },
    pool: () => answering(() => errorOf(new TollgateError('store_unavailable', { retryAfterMs: 1000 }))),
  },
  'has too many waiting': {
    ...{ status: 503, code: 'overloaded' },
    pool: () => throwing(new TollgateError('overloaded', { retryAfterMs: 1000 })),
  },
  'is broken': { status: 500, code: 'internal_error', pool: () => throwing(new Error('a fault of the code')) },
  'answers what was not asked': {
    ...{ status: 500, code: 'internal_error' },
    pool: () => answering(() => ({ $case: 'told' as never, value: {} as never })),
  },
  'does not answer in time': { status: 503, code: 'guard_unavailable', pool: hanging, deadlineMs: 80 },
  'has no replica': { status: 503, code: 'guard_unavailable', pool: abandoned },
};

const names = { pii: 'piiMasking', cache: 'semanticCache' };
const settings = (kind: Kind, onError: string) =>
  snapshotWith(`[{ ${names[kind]}: { ${kind === 'pii' ? 'email: true, ' : ''}onError: ${onError} } }]`);
const contents = { small: 'Write to ada@example.org', large: `Write to ada@example.org ${'word '.repeat(60_000)}` };

for (const kind of ['pii', 'cache'] as const) {
  for (const [what, { status, code, pool, deadlineMs = 10_000 }] of Object.entries(failures)) {
    for (const [size, content] of Object.entries(contents)) {
      const asked = async (onError: string, t: TestContext) => {
        const one = stand(settings(kind, onError), { [kind]: await pool(kind, t) });
        await one.take(content, { deadlineAtMs: Date.now() + deadlineMs });
        return one;
      };

      test(`${kind} ${what}, ${size} body, onError refuse: nothing goes out, and its row says why`, async (t) => {
        const { dispatched, answered, rows } = await asked('refuse', t);
        assert.deepEqual(dispatched, []);
        assert.deepEqual(answered, { status, code });
        assert.deepEqual(
          rows.map((row) => [row.status, row.httpStatus, row.code, row.guardrailHits]),
          [[RequestStatus.FAILED, status, code, {}]],
        );
      });

      test(`${kind} ${what}, ${size} body, onError pass: it goes on as it came, and its row says so`, async (t) => {
        const { dispatched, answers, heads } = await asked('pass', t);
        assert.deepEqual(answers, []);
        const [{ draft, body } = { draft: undefined, body: '' }, ...others] = dispatched;
        assert.equal(others.length, 0);
        assert.equal(JSON.parse(body).messages[0].content, content);
        assert.deepEqual(draft?.usage?.guardrailHits, { [`${kind}_unavailable`]: 1 });
        const cache = kind === 'cache';
        assert.equal(heads[0]?.headers['x-cache-status'], cache ? 'BYPASS; reason=unavailable' : undefined);
        assert.equal(draft?.usage?.cacheStatus, cache ? 'BYPASS' : '');
        assert.equal(draft?.cacheFill, undefined, 'nothing is kept of it');
      });
    }
  }
}

describe('onError: pass is about an outage, not about a decision', () => {
  test('what a guard refuses stays refused', async () => {
    const refusal = toErrorDetail(new TollgateError('guardrail_intervened'));
    const value = { masked: [], entities: { EMAIL: 1 }, originals: {}, refusal };
    const one = stand(settings('pii', 'pass'), { pii: answering(() => ({ $case: 'pii', value })) });
    await one.take(contents.small);
    assert.deepEqual([one.dispatched, one.answered], [[], { status: 400, code: 'guardrail_intervened' }]);
  });

  test('so does what it answers is wrong with the request', async () => {
    for (const fails of [
      answering(() => errorOf(new TollgateError('invalid_request'))),
      throwing(new TollgateError('body_too_large')),
    ]) {
      const one = stand(settings('pii', 'pass'), { pii: fails });
      await one.take(contents.small);
      assert.deepEqual(one.dispatched, []);
      assert.ok([400, 413].includes(one.answered.status), one.answered.code);
    }
  });

  test('who wants a cached answer or none is not given a call', async () => {
    for (const fails of [answering(() => errorOf(unavailable)), throwing(unavailable)]) {
      const one = stand(settings('cache', 'pass'), { cache: fails });
      await one.take(contents.small, { cacheControl: 'only-if-cached' });
      assert.deepEqual([one.dispatched, one.answered], [[], { status: 404, code: 'cache_miss' }]);
    }
  });
});

test('without auth nothing goes out, and what it may have reserved is released; without a router nothing either', async () => {
  const guardrails = snapshotWith('[{ piiMasking: { email: true, onError: pass } }]');
  for (const kind of ['auth', 'router'] as const) {
    const one = stand(guardrails, { [kind]: throwing(unavailable) });
    await one.take(contents.small);
    assert.deepEqual([one.dispatched, one.answered], [[], { status: 503, code: 'guard_unavailable' }]);
    assert.deepEqual(one.published, kind === 'auth' ? ['tg.v1.release'] : []);
    assert.equal(one.rows.length, kind === 'auth' ? 0 : 1);
  }
});

test('a body that was lost on its way through the thread does not go out', async () => {
  const encoded = Buffer.from('no answer of a guard');
  const pii = answering(() => ({ $case: 'encoded', value: new Uint8Array(encoded) }) as never);
  for (const onError of ['refuse', 'pass']) {
    const one = stand(settings('pii', onError), { pii });
    await one.take(contents.large);
    assert.deepEqual([one.dispatched, one.answered], [[], { status: 500, code: 'internal_error' }], onError);
  }
});

describe('nothing new is taken', () => {
  const refused = (one: Stand) =>
    one.entries.map(({ body }) =>
      body?.$case === 'rejected' ? [body.value.error?.code, body.value.error?.retryAfterMs] : body,
    );

  test('while usage is not acknowledged: 503 before anything is asked, and again when it is', async () => {
    let asked = 0;
    const one = stand(snapshotWith('[]'), {
      auth: answering(() => {
        asked++;
        return errorOf(unavailable);
      }),
    });
    one.usageIsFull = true;
    await one.take(contents.small);
    assert.deepEqual(refused(one), [['overloaded', 1000]]);
    assert.deepEqual([asked, one.dispatched, one.answers, one.rows], [0, [], [], []]);
    one.usageIsFull = false;
    await one.take(contents.small);
    assert.deepEqual([asked, one.entries.length], [1, 1]);
  });

  test('beyond so many runs at once', async () => {
    const { promise, resolve } = Promise.withResolvers<never>();
    const one = stand(snapshotWith('[]'), { router: answering(() => promise) }, 1);
    const first = one.take(contents.small);
    const second = one.take(contents.small, { requestId: 'second' });
    assert.deepEqual(refused(one), [['overloaded', 1000]]);
    resolve(errorOf(unavailable) as never);
    await Promise.all([first, second]);
    await one.take(contents.small);
    assert.equal(one.entries.length, 1);
  });
});
