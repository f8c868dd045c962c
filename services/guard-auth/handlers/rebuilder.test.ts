import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import type { UsageMessage } from '@tollgate/bus';
import { windowBounds } from '@tollgate/config';
import { type LedgerSumsReply, type LedgerSumsRequest, UsageEvent } from '@tollgate/contracts';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { boundsAt, runningWindows } from '../domain/limit-windows.ts';
import { limitsOf } from '../domain/limits.ts';
import { planCharges } from '../domain/plan.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import { Rebuilder, type RebuilderOptions } from './rebuilder.ts';

const { organizationId, startedAtMs } = given;
const { startMs: windowStartMs, endMs: windowEndMs } = windowBounds('1h', 'UTC', startedAtMs);
const hour = given.reservation({ windowStartMs, windowEndMs });
let engines: TestEngines;
let store: BudgetStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  store = await given.connectStore(engines.redis.url);
});
after(async () => {
  store.redis.close();
  await engines.close();
});
beforeEach(() => store.redis.command('FLUSHALL'));

/** USAGE, the ledger and the owners of one test; events get the sequences from `firstSeq` on. */
class World {
  events: UsageEvent[] = [];
  firstSeq = 1;
  asked = 0;
  waitedMs = 0;
  lastActivityMs = 0;
  reads: { fromSeq: number; toSeq: number }[] = [];
  onAsk: () => Promise<unknown> = async () => {};
  ledger: (request: LedgerSumsRequest) => LedgerSumsReply = () => assert.fail('the ledger was asked');
  #owners: Promise<unknown> | undefined;

  rebuilder(change: Partial<RebuilderOptions> = {}): Rebuilder {
    const world = this;
    return new Rebuilder({
      store,
      usage: {
        state: async () => ({ firstSeq: world.firstSeq, lastSeq: world.firstSeq + world.events.length - 1 }),
        async *read(range) {
          world.reads.push(range);
          for (const [at, event] of world.events.entries()) {
            const seq = world.firstSeq + at;
            if (seq >= range.fromSeq && seq <= range.toSeq) yield message(event, seq);
          }
        },
      },
      ledger: { sums: async (request) => world.ledger(request) },
      askOwners: () => {
        world.asked++;
        world.#owners = world.onAsk();
      },
      lastActivityMs: () => world.lastActivityMs,
      snapshot: () => given.snapshot({ team: [given.tokenLimit(1000)] }),
      logger: given.logger,
      metrics: createMetrics('test'),
      now: () => startedAtMs,
      wait: async (ms) => {
        world.waitedMs += ms;
        await world.#owners;
      },
      ...change,
    });
  }
}

function message(event: UsageEvent, seq: number): UsageMessage {
  return { seq, redelivered: false, batch: { batchId: String(seq), replica: 'owner', events: [event] } };
}

const receipt = (id: string) => given.receipt(id, [hour]);
const measured = (id: string, tokens: number) => given.measured(receipt(id), tokens, 0);

function reserve(id: string) {
  const record = UsageEvent.encode(given.usageEvent(receipt(id))).finish();
  const charges = [{ reservation: hour, limit: 1000 }];
  return store.reserve(organizationId, { requestId: id, startedAtMs, charges, record });
}

function settle(event: UsageEvent, seq: number) {
  const settlement = settlementOf(event, seq, startedAtMs);
  assert.ok(settlement);
  return store.settle(organizationId, [settlement]);
}

async function build(rebuilder: Rebuilder): Promise<void> {
  rebuilder.suspect(organizationId);
  while (rebuilder.waiting > 0) await rebuilder.work();
}

const counter = () => given.counter(store, hour);

describe('while USAGE holds its first message', () => {
  test('a first start admits at once: nothing is read, asked or waited for', async () => {
    const world = new World();
    assert.equal((await reserve('r1')).outcome, 'rebuilding');
    await build(world.rebuilder());
    assert.equal((await reserve('r1')).outcome, 'admitted');
    assert.deepEqual([world.asked, world.waitedMs], [0, 0]);
  });

  test('a wiped server gets its counters from USAGE, each request once at its newest version', async () => {
    const world = new World();
    world.events = [
      given.usageEvent(receipt('r1')),
      measured('r2', 20),
      measured('r1', 30),
      measured('r2', 20),
      given.usageEvent(receipt('r2')),
    ];
    await build(world.rebuilder());
    assert.deepEqual(await counter(), { spent: 50, reserved: 0 });
    await settle(measured('r2', 20), 4);
    await settle(given.usageEvent(receipt('r1')), 6);
    assert.deepEqual(await counter(), { spent: 50, reserved: 0 });
    await settle(measured('r3', 7), 7);
    assert.deepEqual(await counter(), { spent: 57, reserved: 0 });
  });

  test('more events than one script call takes are all counted', async () => {
    const world = new World();
    world.events = Array.from({ length: 950 }, (_, at) => measured(`r${at}`, 1));
    await build(world.rebuilder());
    assert.deepEqual(await counter(), { spent: 950, reserved: 0 });
  });

  test('usage of ended windows and of other organizations is not counted', async () => {
    const world = new World();
    const ended = given.reservation({ windowStartMs: 0, windowEndMs: 3_600_000 });
    const foreign = measured('r2', 20);
    if (foreign.receipt) foreign.receipt = { ...foreign.receipt, organizationId: 'other' };
    world.events = [given.measured(given.receipt('r1', [ended]), 30, 0), foreign, measured('r3', 5)];
    await build(world.rebuilder());
    assert.deepEqual(await store.redis.command('KEYS', '*:c:*'), [store.keys(organizationId).counter(hour)]);
    assert.deepEqual(await counter(), { spent: 5, reserved: 0 });
  });

  test('a server that kept its disk: leases stay, counters are counted anew', async () => {
    const world = new World();
    await build(world.rebuilder());
    await reserve('running');
    await reserve('ended');
    await reserve('unwritten');
    await settle(measured('ended', 30), 1);
    // Its settling was lost with the server's last second.
    world.events = [measured('ended', 30), measured('unwritten', 11)];
    await store.redis.command('HINCRBY', store.keys(organizationId).counter(hour), 'spent', 999);
    await store.redis.command('SET', store.keys(organizationId).epoch, 'the server before');
    await build(world.rebuilder());
    assert.deepEqual(await counter(), { spent: 41, reserved: 100 });
    assert.deepEqual(await given.leases(store), ['running']);
    assert.equal(world.asked, 1);
  });

  test('slots are those of the leases that are left, whatever ended', async () => {
    const slots = { ...hour, quantity: 'concurrency', window: '', windowStartMs: 0, windowEndMs: 0, amount: 1 };
    const holds = (id: string) => given.receipt(id, [slots]);
    const world = new World();
    world.lastActivityMs = startedAtMs;
    await build(world.rebuilder());
    for (const requestId of ['running', 'ended']) {
      const record = UsageEvent.encode(given.usageEvent(holds(requestId))).finish();
      await store.reserve(organizationId, {
        requestId,
        startedAtMs,
        charges: [{ reservation: slots, limit: 5 }],
        record,
      });
    }
    world.events = [given.measured(holds('ended'), 1, 1), given.measured(holds('long ago'), 1, 1)];
    world.onAsk = async () => {
      const record = UsageEvent.encode(given.usageEvent(holds('lost'))).finish();
      await store.renew(organizationId, [{ receipt: holds('lost'), record }]);
    };
    await store.redis.command('SET', store.keys(organizationId).epoch, 'the server before');
    await build(world.rebuilder());
    assert.deepEqual(await given.counter(store, slots), { spent: 0, reserved: 2 });
    assert.equal(await store.redis.command('PTTL', store.keys(organizationId).counter(slots)), -1);
  });

  test('a lease that went to the shared counter is counted there again', async () => {
    const world = new World();
    await build(world.rebuilder());
    const of = (value: string) => ({ ...hour, selector: 'p-user', value });
    for (const user of ['ann', 'bob']) {
      const record = UsageEvent.encode(given.usageEvent(given.receipt(user, [of(user)]))).finish();
      const charges = [{ reservation: of(user), limit: 1000, valuesMax: 1 }];
      await store.reserve(organizationId, { requestId: user, startedAtMs, charges, record });
    }
    await store.redis.command('SET', store.keys(organizationId).epoch, 'the server before');
    await build(world.rebuilder());
    const reserved = ['ann', 'bob', ''].map(async (value) => (await given.counter(store, of(value))).reserved);
    assert.deepEqual(await Promise.all(reserved), [100, 0, 100]);
    assert.equal(await store.redis.command('GET', store.keys(organizationId).values(of(''))), '1');
  });

  test('owners that are there renew during the rebuild, what has ended is not brought back', async () => {
    const world = new World();
    world.lastActivityMs = startedAtMs - 1000;
    world.events = [measured('ended', 30)];
    world.onAsk = async () => {
      for (const id of ['running', 'ended']) {
        const record = UsageEvent.encode(given.usageEvent(receipt(id))).finish();
        assert.equal(await store.renew(organizationId, [{ receipt: receipt(id), record }]), true);
      }
    };
    await build(world.rebuilder());
    assert.deepEqual([world.asked, world.waitedMs], [1, 2000]);
    assert.deepEqual(await counter(), { spent: 30, reserved: 100 });
    assert.deepEqual(await given.leases(store), ['running']);
  });

  test('leases that ran out while the server was away live on until their owners could renew', async () => {
    const world = new World();
    await build(world.rebuilder());
    await reserve('running');
    await store.redis.command('ZADD', store.keys(organizationId).leases, 1, 'running');
    await store.redis.command('SET', store.keys(organizationId).epoch, 'the server before');
    await build(world.rebuilder());
    assert.deepEqual(await store.expired(organizationId, 10, 1000), []);
  });

  test('nothing is settled, renewed or reaped before the counters are there', async () => {
    const record = UsageEvent.encode(given.usageEvent(receipt('r1'))).finish();
    assert.equal(await settle(measured('r1', 30), 1), false);
    assert.equal(await store.renew(organizationId, [{ receipt: receipt('r1'), record }]), false);
    assert.deepEqual(await store.expired(organizationId, 10, 1000), []);
    assert.deepEqual(await given.dump(store), {});
  });
});

describe('when USAGE has lost its first message', () => {
  const tokens = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };
  const sums = (request: LedgerSumsRequest, acknowledgedSeq: number): LedgerSumsReply => ({
    acknowledgedSeq,
    sums: request.windows.map((window) => ({
      window,
      billed: { ...tokens, prompt: 300, completion: 50 },
      costNanoUsd: 1,
      requests: 3,
      values: [],
    })),
    unmeasured: [
      {
        requestId: 'open',
        receipt: receipt('open'),
        version: 1,
        billed: { prompt: 60, completion: 40, cachedPrompt: 0, reasoning: 0 },
        costNanoUsd: 500,
        model: '',
      },
    ],
    error: '',
  });

  test('the ledger says what was spent, USAGE what came after', async () => {
    const world = new World();
    world.firstSeq = 50;
    world.events = [measured('old', 30), measured('newer', 7), measured('open', 10)];
    let asked: LedgerSumsRequest | undefined;
    world.ledger = (request) => {
      asked = request;
      return sums(request, 50);
    };
    await build(world.rebuilder());
    assert.deepEqual(asked?.windows, [
      {
        scope: 'team',
        scopeId: 'sample.engineering',
        startMs: windowStartMs,
        endMs: windowEndMs,
        ...{ models: [], selector: '', quantity: '', window: '' },
      },
    ]);
    assert.deepEqual(world.reads, [{ fromSeq: 51, toSeq: 52 }]);
    // 350 in the ledger, 7 after it, and 10 instead of the 100 that were assumed for `open`.
    assert.deepEqual(await counter(), { spent: 350 + 7 - 90, reserved: 0 });
  });

  test("each quantity gets its own of the ledger's sums", async () => {
    const world = new World();
    world.firstSeq = 50;
    world.ledger = (request) => ({ ...sums(request, 50), unmeasured: [] });
    const quantities = ['prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests'] as const;
    const limits = quantities.map((quantity) => given.limit({ quantity }));
    await build(world.rebuilder({ snapshot: () => given.snapshot({ team: limits }) }));
    const spent = quantities.map(async (quantity) => (await given.counter(store, { ...hour, quantity })).spent);
    assert.deepEqual(await Promise.all(spent), [300, 50, 1, 3]);
  });

  test("requests are counted from USAGE after the ledger's end, those that run by their leases", async () => {
    const requests = { ...hour, quantity: 'requests', amount: 1 };
    const world = new World();
    world.firstSeq = 50;
    world.events = ['old', 'newer', 'open'].map((id) => given.measured(given.receipt(id, [requests]), 1, 1));
    world.ledger = (request) => sums(request, 50);
    world.lastActivityMs = startedAtMs;
    world.onAsk = async () => {
      const running = given.receipt('running', [requests]);
      const record = UsageEvent.encode(given.usageEvent(running)).finish();
      await store.renew(organizationId, [{ receipt: running, record }]);
    };
    await build(world.rebuilder({ snapshot: () => given.snapshot({ team: [given.limit({ quantity: 'requests' })] }) }));
    // 3 in the ledger, `open` among them, and one after it.
    assert.deepEqual(await given.counter(store, requests), { spent: 4, reserved: 1 });
  });

  test('of a rolling window every part that still counts is made anew, and rates start empty', async () => {
    const limits = [
      given.limit({ window: '24h', rolling: true }),
      given.limit({ quantity: 'tokens', window: '1m', amount: 500, burst: 500 }),
    ];
    const at = (startMs: number) => {
      const { charges } = planCharges(
        limitsOf(given.snapshot({ team: limits }), 'sample.engineering'),
        { promptTokens: 100, completionTokens: 0, guessed: false, costNanoUsd: 0, promptCostNanoUsd: 0 },
        { keyId: 'k', user: '', metadata: {} },
        (limit) => boundsAt(limit, startMs),
      );
      return charges;
    };
    const parts = runningWindows(limits[0] ?? assert.fail(), startedAtMs);
    const world = new World();
    world.firstSeq = 50;
    const used = (id: string, startMs: number) =>
      given.measured(
        given.receipt(
          id,
          at(startMs).map(({ reservation }) => reservation),
        ),
        9000,
        0,
      );
    const [oldest, , third] = parts;
    world.events = [
      used('old', oldest?.startMs ?? 0),
      used('new', third?.startMs ?? 0),
      used('gone', startedAtMs - 27 * 3_600_000),
    ];
    world.ledger = (request) => {
      assert.deepEqual(
        request.windows.map(({ startMs, endMs }) => [startMs, endMs]),
        parts.map(({ startMs, endMs }) => [startMs, endMs]),
      );
      const reply = sums(request, 50);
      return {
        ...reply,
        unmeasured: [],
        sums: reply.sums.map((sum, place) => ({ ...sum, billed: { ...tokens, prompt: place } })),
      };
    };
    await build(world.rebuilder({ snapshot: () => given.snapshot({ team: limits }) }));
    const spent = parts.map(async ({ startMs }) => {
      const [charge] = at(startMs);
      const of = charge?.reservation ?? assert.fail();
      const expiresAtMs = Number(await store.redis.command('PEXPIRETIME', store.keys(organizationId).counter(of)));
      assert.ok(expiresAtMs >= of.windowEndMs, new Date(startMs).toISOString());
      return (await given.counter(store, of)).spent;
    });
    assert.deepEqual(
      await Promise.all(spent),
      parts.map((_, place) => place + (place === 2 ? 9000 : 0)),
    );
    assert.deepEqual(await store.redis.command('KEYS', '*:rate:*'), []);
  });

  test('values of a rolling window keep their own counters after a rebuild', async () => {
    const limits = given.snapshot({ team: [given.limit({ rolling: true, per: 'user', valuesMax: 1 })] });
    const chargesOf = (user: string) =>
      planCharges(
        limitsOf(limits, 'sample.engineering'),
        { promptTokens: 100, completionTokens: 0, guessed: false, costNanoUsd: 0, promptCostNanoUsd: 0 },
        { keyId: 'k', user, metadata: {} },
        (limit) => boundsAt(limit, startedAtMs),
      ).charges;
    const admit = (id: string, user: string) => {
      const charges = chargesOf(user);
      const of = given.receipt(
        id,
        charges.map(({ reservation }) => reservation),
      );
      const record = UsageEvent.encode(given.usageEvent(of)).finish();
      return store.reserve(organizationId, { requestId: id, startedAtMs, charges, record });
    };
    const [ann] = chargesOf('ann');
    const world = new World();
    world.events = [given.measured(given.receipt('r1', [ann?.reservation ?? assert.fail()]), 30, 0)];
    await build(world.rebuilder({ snapshot: () => limits }));
    assert.deepEqual((await admit('r2', 'bob')).shared, new Set([0]));
    assert.equal((await admit('r3', 'ann')).shared, undefined);
  });

  test('a limit on some models asks for theirs, and a guess that they made is replaced', async () => {
    const filtered = { ...hour, models: ['gpt-4o'], selector: '' };
    const limits = given.snapshot({ team: [given.limit({ models: ['gpt-4o'] })] });
    const world = new World();
    world.firstSeq = 50;
    let asked: LedgerSumsRequest | undefined;
    world.ledger = (request) => {
      asked = request;
      const reply = sums(request, 50);
      return { ...reply, unmeasured: reply.unmeasured.map((charge) => ({ ...charge, model: 'mini' })) };
    };
    filtered.selector = limitsOf(limits, 'sample.engineering')[0]?.selector ?? '';
    const of = (id: string, model: string) => given.measured(given.receipt(id, [filtered]), 10, 0, { model });
    world.events = [of('old', 'gpt-4o'), of('open', 'gpt-4o'), of('other', 'mini')];
    await build(world.rebuilder({ snapshot: () => limits }));
    assert.deepEqual(asked?.windows[0]?.models, ['gpt-4o']);
    // The guess was of another model, so the sums do not hold it.
    assert.deepEqual(await given.counter(store, filtered), { spent: 350 + 10, reserved: 0 });
  });

  test('the counter of a key is what reserved on it, as rows do not name keys', async () => {
    const limits = given.snapshot({ team: [given.limit({ keys: ['build'] })] });
    const selector = limitsOf(limits, 'sample.engineering')[0]?.selector ?? '';
    const ofKey = { ...hour, selector };
    const world = new World();
    world.firstSeq = 50;
    let asked: LedgerSumsRequest | undefined;
    world.ledger = (request) => {
      asked = request;
      const answer = sums(request, 50);
      return { ...answer, sums: answer.sums.map((sum) => ({ ...sum, values: [{ value: '', spent: 40 }] })) };
    };
    world.events = ['old', 'newer'].map((id) => given.measured(given.receipt(id, [ofKey]), 5, 0));
    await build(world.rebuilder({ snapshot: () => limits }));
    assert.deepEqual(
      asked?.windows.map(({ selector, quantity, window }) => [selector, quantity, window]),
      [[selector, 'tokens', '1h']],
    );
    assert.equal((await given.counter(store, ofKey)).spent, 45);
  });

  test('counters of single values come from the ledger too, with how many there are', async () => {
    const limits = given.snapshot({ team: [given.limit({ per: 'user', valuesMax: 3 }), given.tokenLimit(9000)] });
    const selector = 'p-user';
    const of = (value: string) => ({ ...hour, selector, value });
    const world = new World();
    world.firstSeq = 50;
    const asked: LedgerSumsRequest[] = [];
    world.ledger = (request) => {
      asked.push(request);
      const values = [
        { value: 'ann', spent: 40 },
        { value: '', spent: 9 },
      ];
      const answer = sums(request, 50);
      return { ...answer, sums: answer.sums.map((sum) => (sum.window?.selector ? { ...sum, values } : sum)) };
    };
    world.events = ['ann', 'ann', 'bob'].map((value, at) => given.measured(given.receipt(`r${at}`, [of(value)]), 5, 0));
    await build(world.rebuilder({ snapshot: () => limits }));
    assert.deepEqual(
      asked.map(({ windows, upToSeq }) => [windows.map((window) => window.selector), upToSeq]),
      [[[selector, ''], 0]],
    );
    const spent = ['ann', 'bob', ''].map(async (value) => (await given.counter(store, of(value))).spent);
    assert.deepEqual(await Promise.all(spent), [45, 5, 9]);
    assert.equal(await store.redis.command('GET', store.keys(organizationId).values(of(''))), '2');
  });

  test('more values than one message holds are asked for in several, all up to one sequence', async () => {
    const per = (window: string) => given.limit({ per: 'user', valuesMax: 5000, window });
    const limits = given.snapshot({ team: ['1h', '1d', '1mo'].map(per) });
    const world = new World();
    world.firstSeq = 50;
    world.events = [measured('old', 30)];
    const asked: [number, number][] = [];
    world.ledger = (request) => {
      asked.push([request.windows.length, request.upToSeq]);
      return { ...sums(request, 50), sums: [] };
    };
    await build(world.rebuilder({ snapshot: () => limits }));
    assert.deepEqual(asked, [
      [1, 0],
      [1, 50],
      [1, 50],
    ]);
  });

  test('a lease of a request that the ledger counts ends without being charged again', async () => {
    const world = new World();
    await build(world.rebuilder());
    await reserve('counted');
    await store.redis.command('SET', store.keys(organizationId).epoch, 'the server before');
    world.firstSeq = 50;
    world.events = [measured('counted', 30), measured('newer', 7)];
    world.ledger = (request) => sums(request, 50);
    await build(world.rebuilder());
    assert.deepEqual(await counter(), { spent: 357, reserved: 0 });
    assert.deepEqual(await given.leases(store), []);
    await settle(given.usageEvent(receipt('counted')), 60);
    assert.deepEqual(await counter(), { spent: 357, reserved: 0 });
  });

  for (const [name, answer] of [
    ['cannot answer', (request: LedgerSumsRequest) => ({ ...sums(request, 50), error: 'starting' })],
    ['is behind what USAGE still holds', (request: LedgerSumsRequest) => sums(request, 40)],
  ] as const) {
    test(`admission waits while the ledger ${name}`, async () => {
      const world = new World();
      world.firstSeq = 50;
      world.events = [measured('r1', 30)];
      world.ledger = answer;
      const rebuilder = world.rebuilder();
      rebuilder.suspect(organizationId);
      await rebuilder.work();
      await rebuilder.work();
      assert.equal(rebuilder.waiting, 1);
      assert.equal((await reserve('r2')).outcome, 'rebuilding');
      world.ledger = (request) => sums(request, 50);
      await build(rebuilder);
      assert.equal((await reserve('r2')).outcome, 'admitted');
    });
  }
});

test('of two replicas one rebuilds, the other waits for it', async (t: TestContext) => {
  const world = new World();
  world.events = [measured('r1', 30)];
  const other = await given.connectStore(engines.redis.url);
  t.after(() => other.redis.close());
  await Promise.all([build(world.rebuilder()), build(world.rebuilder({ store: other }))]);
  assert.equal(world.reads.length, 1);
  assert.deepEqual(await counter(), { spent: 30, reserved: 0 });
});

test('whoever lost the lock stops, and charges nothing more', async () => {
  const world = new World();
  world.lastActivityMs = startedAtMs;
  world.onAsk = () => store.redis.command('SET', store.keys(organizationId).lock, 'somebody else');
  const rebuilder = world.rebuilder();
  rebuilder.suspect(organizationId);
  await rebuilder.work();
  await rebuilder.work();
  assert.equal(rebuilder.waiting, 1);
  assert.equal((await reserve('r1')).outcome, 'rebuilding');
});

test('a restart of the server is noticed, and counters are rebuilt before the next admission', async () => {
  const world = new World();
  await build(world.rebuilder());
  await reserve('r1');
  const met = new Promise<string>((resolve) => store.redis.onServer(resolve));
  await engines.redis.kill();
  await engines.redis.start();
  await met;
  assert.equal((await reserve('r2')).outcome, 'rebuilding');
  world.events = [measured('r1', 30)];
  await build(world.rebuilder());
  assert.equal((await reserve('r2')).outcome, 'admitted');
  assert.deepEqual(await counter(), { spent: 30, reserved: 100 });
});
