import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { until } from '../support/until.ts';
import { assertBroken, assertRefused, assertWhole } from './matrix/answers.ts';
import { Ledger, type Row, Suspensions } from './matrix/books.ts';
import { type Answer, type AskOptions, ask } from './matrix/caller.ts';
import {
  type Case,
  casesOf,
  earlyFaults,
  type FaultRow,
  lateFaults,
  type Shape,
  shapes,
  suspendSeconds,
  suspendSecondsMax,
} from './matrix/faults.ts';
import { type Installation, type Plan, providerOf, startInstallation } from './matrix/installation.ts';
import { grownCounters, routerCounters } from './matrix/routers.ts';

// Every fault × surface × shape against the running system: before the first content a caller never sees it while another
// target is healthy; after it, the honest error. And what every router then knows, and what the ledger says.

const healthy = 'healthy';
const early = casesOf(earlyFaults);
const late = casesOf(lateFaults);
const cases = [...early, ...late];
const addressOf = ({ fault }: FaultRow) => (typeof fault === 'string' ? fault : undefined);
const target = ({ id, row }: Case) => `${providerOf({ at: addressOf(row) })}/${id}`;
/** The same deployment as another model: a proxy that has nothing else shows how a fault looks to a caller. */
const lone = (id: string) => `${id}-lone`;

const plan: Plan = {
  deployments: {
    [healthy]: 'gpt-4o',
    ...Object.fromEntries(cases.filter(({ row }) => !addressOf(row)).map(({ id }) => [id, 'gpt-4o-mini'])),
  },
  models: [
    { name: healthy },
    ...cases.flatMap(({ id, row }) => [
      { name: id, at: addressOf(row) },
      { name: lone(id), deployment: id, at: addressOf(row) },
    ]),
  ],
  proxies: [
    { name: healthy, models: [{ name: healthy }], suspendSeconds: 0 },
    ...cases.flatMap(({ id, row }) => [
      {
        ...{ name: id, suspendSeconds, suspendSecondsMax },
        models: [{ name: id, at: addressOf(row) }, { name: healthy }],
      },
      { name: lone(id), models: [{ name: lone(id), at: addressOf(row) }], suspendSeconds: 0 },
    ]),
  ],
  environment: { TOLLGATE_UPSTREAM_IDLE_TIMEOUT_MS: '1500' },
};

let installation: Installation;
let ledger: Ledger;
let suspensions: Suspensions;
/** Tokens of the question and its answer, by surface. */
const tokens = new Map<string, readonly [number, number]>();

before(async () => {
  installation = await startInstallation(plan);
  const { clickhouseUrl, redisUrl } = await installation.system.status();
  ledger = new Ledger(clickhouseUrl);
  suspensions = new Suspensions(redisUrl);
  for (const { id, row } of cases) {
    if (typeof row.fault !== 'string') await installation.simulator.addFault({ ...row.fault, deployment: id });
  }
  for (const shape of shapes.filter(({ stream }) => !stream)) {
    const answer = await ask(installation, healthy, shape);
    assertWhole(answer, shape);
    const row = await ledger.row(answer.requestId);
    assert.ok(row.served_prompt_tokens > 0 && row.served_completion_tokens > 0 && !row.estimated);
    tokens.set(shape.surface, [row.served_prompt_tokens, row.served_completion_tokens]);
  }
});
after(async () => {
  suspensions?.close();
  await ledger?.close();
  await installation?.close();
});

const optionsOf = ({ timeoutMs }: FaultRow): AskOptions => ({ ...(timeoutMs !== undefined && { timeoutMs }) });

/** The healthy target answered as if nothing had been. */
function assertServed(answer: Answer, shape: Shape, attempts: number): void {
  assertWhole(answer, shape);
  assert.deepEqual([answer.model, answer.attempts], [healthy, String(attempts)]);
}

const charged = (row: Row, attempt: number) =>
  Number(row.attempt_prompt_tokens[attempt]) + Number(row.attempt_completion_tokens[attempt]);

/** The attempts of a row, the failed one first, add up to what the request is charged. */
function assertCharged(row: Row, { row: { httpStatus, code, billed }, shape }: Case): void {
  assert.equal(row.attempt_http_statuses[0], httpStatus);
  assert.equal(row.attempt_codes[0], typeof code === 'string' ? code : code(shape));
  assert.equal(charged(row, 0) > 0, billed, `the failed call is ${billed ? '' : 'not '}charged`);
  assert.equal(Number(row.attempt_costs_nano_usd[0]) > 0, billed);
  assert.equal(row.estimated, billed);
  const sum = (figures: number[]) => figures.reduce((total, figure) => total + Number(figure), 0);
  assert.equal(row.prompt_tokens, sum(row.attempt_prompt_tokens));
  assert.equal(row.completion_tokens, sum(row.attempt_completion_tokens));
  assert.equal(row.cost_nano_usd, sum(row.attempt_costs_nano_usd));
}

/** Served by the second target: its usage is measured, the failed call's is not mixed in. */
async function assertRowServed({ requestId }: Answer, one: Case): Promise<void> {
  const row = await ledger.row(requestId);
  assert.deepEqual(
    [row.status, row.http_status, row.code, row.model, row.delivered, row.attempts],
    ['completed', 200, '', healthy, 'complete', 2],
  );
  assert.deepEqual(row.attempt_models, [one.id, healthy]);
  assert.deepEqual([row.attempt_http_statuses[1], row.attempt_codes[1]], [200, '']);
  assert.deepEqual([row.served_prompt_tokens, row.served_completion_tokens], tokens.get(one.shape.surface));
  assert.equal(charged(row, 1), row.served_prompt_tokens + row.served_completion_tokens);
  assertCharged(row, one);
}

async function assertRowFailed({ requestId }: Answer, one: Case): Promise<void> {
  const { refused } = one.row;
  const row = await ledger.row(requestId);
  assert.deepEqual(
    [row.status, row.http_status, row.code, row.model, row.attempts],
    ['failed', refused.status, refused.code, '', 1],
  );
  assert.deepEqual([row.served_prompt_tokens, row.served_completion_tokens], [0, 0]);
  assertCharged(row, one);
}

async function assertRowTruncated({ requestId }: Answer, one: Case): Promise<void> {
  const row = await ledger.row(requestId);
  assert.deepEqual(
    [row.status, row.http_status, row.code, row.model, row.delivered, row.attempts],
    ['truncated', 200, one.row.refused.code, one.id, 'partial', 1],
  );
  assert.ok(row.served_completion_tokens > 0);
  assertCharged(row, one);
}

/** The target rests, for as long as its fault says. @param fromMs before the request that brought it about */
async function assertSuspended(one: Case, fromMs: number): Promise<void> {
  const untilMs = await until(
    `${target(one)} is suspended`,
    async () => (await suspensions.untilMs(target(one))) || undefined,
  );
  const [least, most] = one.row.restMs ?? [suspendSeconds * 1000, suspendSeconds * 1000];
  const nowMs = Date.now();
  assert.ok(untilMs >= fromMs + least && untilMs <= nowMs + most, `for ${untilMs - fromMs} to ${untilMs - nowMs} ms`);
}

async function assertSuspected(one: Case, { requestId }: Answer): Promise<void> {
  const suspect = () => suspensions.suspectedBy(target(one));
  assert.equal(await until(`${target(one)} is suspected`, suspect), requestId);
  assert.equal(await suspensions.untilMs(target(one)), 0, 'one request alone does not suspend');
}

/** The first request meets the fault; the second has its turn at the healthy target; the third's turn is the sick one's again. */
async function assertInvisible(one: Case): Promise<void> {
  const { shape, row } = one;
  const send = () => ask(installation, one.id, shape, optionsOf(row));
  const firstAtMs = Date.now();
  const first = await send();
  assertServed(first, shape, 2);
  if (row.outcome === 'suspend') await assertSuspended(one, firstAtMs);
  if (row.outcome === 'suspect') await assertSuspected(one, first);
  assertServed(await send(), shape, 1);
  const thirdAtMs = Date.now();
  const third = await send();
  assertServed(third, shape, row.outcome === 'suspend' ? 1 : 2);
  if (row.outcome === 'suspect') await assertSuspended(one, thirdAtMs);
  await assertRowServed(first, one);
  if (row.outcome === 'none') {
    await assertRowServed(third, one);
    assert.equal(await suspensions.untilMs(target(one)), 0);
    assert.equal(await suspensions.suspectedBy(target(one)), undefined);
  }
}

async function assertTold(one: Case): Promise<void> {
  const answer = await ask(installation, lone(one.id), one.shape, optionsOf(one.row));
  assertRefused(answer, one.row.refused);
  assert.equal(answer.attempts, '1');
  await assertRowFailed(answer, one);
}

describe('before the first content', { concurrency: 6 }, () => {
  for (const one of early) {
    test(`${one.row.name}, ${one.shape.name}: another target answers`, () => assertInvisible(one));
    test(`${one.row.name}, ${one.shape.name}: there is no other target`, () => assertTold(one));
  }
});

describe('after the first content', { concurrency: 6 }, () => {
  for (const one of late) {
    test(`${one.row.name}, ${one.shape.name}: the honest error`, async () => {
      const { shape, row } = one;
      const send = () => ask(installation, one.id, shape);
      const firstAtMs = Date.now();
      const first = await send();
      assertBroken(first, shape, row.refused.code);
      assert.deepEqual([first.model, first.attempts], [one.id, '1']);
      if (row.outcome === 'suspend') await assertSuspended(one, firstAtMs);
      else await assertSuspected(one, first);
      assertServed(await send(), shape, 1);
      const thirdAtMs = Date.now();
      const third = await send();
      if (row.outcome === 'suspend') assertServed(third, shape, 1);
      else {
        assertBroken(third, shape, row.refused.code);
        await assertSuspended(one, thirdAtMs);
      }
      await assertRowTruncated(first, one);
    });
  }
});

test('both routers know of every suspension, and of none that is not', async (t: TestContext) => {
  const name = 'tollgate_guard_requests_total';
  // What was asked before is told by then: each ask of this kind comes after the ledger's row of an earlier one.
  const known = await routerCounters(installation, name);
  for (const one of cases) {
    // Asked one after the other, the two routers are asked in turn.
    for (let turn = 0; turn < 2; turn++) {
      const answer = await ask(installation, one.id, one.shape);
      if (one.row.outcome === 'none') assert.equal(answer.status, 200);
      else assertServed(answer, one.shape, 1);
    }
  }
  const grown = await grownCounters(installation, name, known, 2 * cases.length);
  t.diagnostic(`${cases.length} targets; the two routers were asked ${grown.join(' and ')} times`);
  assert.ok(grown.every((count) => count >= cases.length));
});
