import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { insertUsage } from '../insert.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, usageRow } from '../testing/rows.ts';
import { type Finding, newestFindings, recordFindings } from './findings.ts';
import { reservedSum } from './reserved-sum.ts';
import { missingSequences, rowsBeyond, shortMessages } from './sequences.ts';
import { standingRows, wrongFigure } from './standing-rows.ts';

describe('what the reconciler asks the ledger', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('books');
  });
  after(() => ledger?.close());

  it('finds sequences that no row came with, and those that are too high', async () => {
    const rows = [3, 4, 4, 7, 9].map((stream_seq) => usageRow({ stream_seq }));
    await insertUsage(client, rows);
    assert.deepEqual(await missingSequences(client, { fromSeq: 3, toSeq: 4 }, 10), { missing: 0, first: [] });
    assert.deepEqual(await missingSequences(client, { fromSeq: 2, toSeq: 9 }, 10), { missing: 4, first: [2, 5, 6, 8] });
    assert.deepEqual(await missingSequences(client, { fromSeq: 2, toSeq: 9 }, 2), { missing: 4, first: [2, 5] });
    assert.deepEqual(await rowsBeyond(client, 4, 0), { rows: 2, lastSeq: 9 });
    assert.deepEqual(await rowsBeyond(client, 9, 0), { rows: 0, lastSeq: 0 });
    assert.deepEqual(await rowsBeyond(client, 4, Date.now() + HOUR_MS), { rows: 0, lastSeq: 0 });
  });

  it('finds messages that fewer requests have rows of than came with them', async () => {
    const row = (stream_seq: number, message_rows: number) => usageRow({ stream_seq, message_rows });
    const [first, second] = [row(101, 2), row(101, 2)];
    const twice = row(102, 2);
    const lacking = [row(103, 3), row(103, 3), row(105, 2)];
    await insertUsage(client, [first, second, twice, ...lacking, row(104, 1), row(106, 0)]);
    await insertUsage(client, [first, twice]);
    assert.deepEqual(await shortMessages(client, { fromSeq: 101, toSeq: 106 }), [
      { seq: 102, there: 1 },
      { seq: 103, there: 2 },
      { seq: 105, there: 1 },
    ]);
    assert.deepEqual(await shortMessages(client, { fromSeq: 103, toSeq: 104 }), [{ seq: 103, there: 2 }]);
  });

  it('tells the highest version of each request that has a row', async () => {
    const replaced = usageRow({ version: 1 });
    const far = usageRow({ startedAtMs: NOON_MS + 9 * HOUR_MS, team_id: 't-2', version: 2 });
    await insertUsage(client, [replaced, { ...replaced, version: 3 }, far]);
    const standing = await standingRows(client, [replaced, far, usageRow()]);
    assert.deepEqual(
      Array.from(standing, ([id, { version }]) => [id, version]).sort(),
      [
        [replaced.request_id, 3],
        [far.request_id, 2],
      ].sort(),
    );
    const many = Array.from({ length: 2500 }, () => usageRow({ team_id: 't-3' }));
    await insertUsage(client, many);
    assert.equal((await standingRows(client, many)).size, 2500);
  });

  it('knows a row whose figures are not those of its event, and judges none by the event of another version', async () => {
    const row = usageRow({ version: 2, team_id: 't-4' });
    await insertUsage(client, [row]);
    const standing = (await standingRows(client, [row])).get(row.request_id);
    assert.ok(standing);
    assert.equal(wrongFigure(standing, row), undefined);
    const wrong = { column: 'completion_tokens', expected: 21, found: 20 };
    assert.deepEqual(wrongFigure(standing, { ...row, completion_tokens: 21, cost_nano_usd: 0 }), wrong);
    assert.equal(wrongFigure(standing, { ...row, completion_tokens: 21, version: 1 }), undefined);
    assert.equal(wrongFigure(standing, { ...row, completion_tokens: 21, stream_seq: 1 }), undefined);
  });

  it('sums what reserved on a counter, and nothing else', async () => {
    const own = { scope: 'team', scopeId: 't-9', quantity: 'tokens', window: '1d', windowStartMs: NOON_MS, amount: 5 };
    const reserved = (...some: object[]) => ({ team_id: 't-9', reservations: JSON.stringify(some) });
    await insertUsage(client, [
      usageRow({ ...reserved({ ...own, scope: 'organization' }, own), stream_seq: 1 }),
      usageRow({ ...reserved({ ...own, quantity: 'cost_nano_usd' }), stream_seq: 1 }),
      usageRow({ ...reserved({ ...own, windowStartMs: 1 }), stream_seq: 1 }),
      usageRow({ ...reserved({ ...own, selector: 'per:user', value: 'u-1' }), stream_seq: 1 }),
      usageRow({ team_id: 't-9', reservations: '', stream_seq: 1 }),
      usageRow({ ...reserved(own), stream_seq: 2 }),
    ]);
    const counter = { scope: 'team', scopeId: 't-9', quantity: 'tokens', window: '1d' } as const;
    const times = { startMs: NOON_MS, endMs: NOON_MS + HOUR_MS };
    const ask = (upToSeq: number, of: { selector: string; models: string[] } = { selector: '', models: [] }) =>
      reservedSum(client, { organizationId: 'o-1', counter: { ...counter, ...times, ...of }, upToSeq });
    const one = { promptTokens: 100, completionTokens: 20, costNanoUsd: 1000, requests: 1 };
    assert.deepEqual(await ask(1), one);
    assert.deepEqual(await ask(2), { promptTokens: 200, completionTokens: 40, costNanoUsd: 2000, requests: 2 });
    const some = { ...own, selector: 'm-1' };
    await insertUsage(client, [
      usageRow({ ...reserved(some), stream_seq: 3 }),
      usageRow({ ...reserved(some), stream_seq: 3, model: 'mini' }),
      usageRow({ ...reserved(some), stream_seq: 3, model: '', model_requested: 'mini' }),
    ]);
    const ofSome = await ask(3, { selector: 'm-1', models: ['gpt-4o'] });
    assert.deepEqual(ofSome, { promptTokens: 200, completionTokens: 40, costNanoUsd: 2000, requests: 2 });
  });

  it('keeps what was found, and gives the newest run', async () => {
    const finding = (what: string): Finding => ({
      ...{ compared: 'rows', outcome: 'differs', what, expected: 2, found: 1, detail: 'why' },
    });
    assert.equal(await newestFindings(client, HOUR_MS), undefined);
    await recordFindings(client, [finding('')]);
    // The clock of the table has milliseconds.
    for (const startMs = Date.now(); Date.now() <= startMs + 1; ) await new Promise((resolve) => setImmediate(resolve));
    const kept = await recordFindings(client, [finding(''), finding('request a')]);
    assert.deepEqual(await newestFindings(client, HOUR_MS), kept);
    assert.equal(await newestFindings(client, 0), undefined);
  });
});
