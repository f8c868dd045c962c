import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from './client.ts';
import { insertUsage } from './insert.ts';
import { runReadOnly } from './queries/read-only.ts';
import { rebuildRollup } from './rollups/rebuild.ts';
import { startLedger, type TestLedger } from './testing/ledger.ts';
import { answers, timesOf } from './testing/questions/answers.ts';
import { readQuestions } from './testing/questions/page.ts';
import { generateRequests } from './testing/questions/requests.ts';
import { HOUR_MS } from './testing/rows.ts';

const DAY_MS = 24 * HOUR_MS;
const today = new Date();
/** Within what the ledger keeps, whenever this is run; no month lacks the day. */
const nowMs = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 17, 10, 34, 56);
const times = timesOf(nowMs);
const edges = [
  ...[times.monthMs, times.monthBeforeMs, times.hourMs, times.dayMs - 30 * DAY_MS, times.nowMonthBeforeMs],
  ...[1, 7, 30].map((days) => nowMs - days * DAY_MS),
  ...[2, 7, 30].map((days) => times.hourMs - days * DAY_MS),
];
const requests = generateRequests(nowMs, edges, 4000);
const expected = answers(requests, times);
const questions = readQuestions();

type Line = Record<string, unknown>;

/** Fractions are added up in another order by the engine. */
function assertLines(lines: readonly Line[], right: readonly Line[]): void {
  assert.deepEqual(
    lines.map((line) => Object.entries(line).map(([name, value]) => [name, typeof value === 'number' ? 0 : value])),
    right.map((line) => Object.entries(line).map(([name, value]) => [name, typeof value === 'number' ? 0 : value])),
  );
  for (const [at, line] of lines.entries()) {
    for (const [name, value] of Object.entries(line)) {
      if (typeof value !== 'number') continue;
      const other = Number(right[at]?.[name]);
      const margin = Number.isInteger(other) ? 0 : Math.abs(other) * 1e-12;
      assert.ok(Math.abs(value - other) <= margin, `line ${at}, ${name}: ${value}, expected ${other}`);
    }
  }
}

describe('the questions of docs/ledger-for-analysts.md', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('questions');
    const standing = requests.map(({ row }) => row);
    // Versions that were replaced come before, after, and what stands comes twice.
    const replaced = requests.flatMap((request) => request.replaced);
    await insertUsage(client, replaced.slice(0, 100));
    await insertUsage(client, standing);
    await insertUsage(client, [...replaced.slice(100), ...standing.slice(0, 1500)]);
    const first = Math.min(...requests.map(({ startedAtMs }) => startedAtMs));
    // Twice: a sum that is read without FINAL is wrong then.
    for (let time = 0; time < 2; time++) await rebuildRollup(client, first, nowMs + HOUR_MS);
  });
  after(() => ledger?.close());

  it('are numbered, and no answer that is known here lacks its question', () => {
    assert.deepEqual(
      questions.map(({ number }) => String(number)),
      Object.keys(expected),
    );
  });

  for (const { number, title, sql, text: meaning } of questions) {
    it(`${number}. ${title}`, async () => {
      const frozen = sql.replaceAll("now('UTC')", `toDateTime(${nowMs / 1000}, 'UTC')`);
      assert.doesNotMatch(frozen, /\bnow\w*\(/);
      const answer = await text(await runReadOnly(client, frozen, 'JSONEachRow'));
      const lines = answer
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line);
      assert.ok(lines.length > 0);
      assertLines(lines, expected[number] ?? []);
      for (const column of Object.keys(lines[0] ?? {}))
        assert.ok(meaning.includes(`\`${column}\``), `says nothing of ${column}`);
      // A server's own time zone changes nothing.
      const elsewhere = await client.rows(frozen, {}, { settings: { session_timezone: 'Pacific/Auckland' } });
      assert.deepEqual(elsewhere, lines);
    });
  }
});
