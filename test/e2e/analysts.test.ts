import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { ask } from '../support/load.ts';
import { sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Every statement of the analysts' page, as it stands, on a running system; the longest of them through the command line too.
// Its figures are checked against known rows in packages/ledger/questions.test.ts.

const page = readFileSync(new URL('../../docs/ledger-for-analysts.md', import.meta.url), 'utf8');
const statements = [...page.matchAll(/^### (.+)\n[\s\S]*?```sql\n([\s\S]+?)\n```/gm)];
const system = sharedSystem();

before(async () => {
  const { gatewayUrl } = await system.status();
  const { key } = await system.createKey('engineering', 'analysts');
  const { requestId } = await ask({ gatewayUrl, key }, 'Does the ledger see this?');
  await until('its row', async () => {
    const [row] = await system.sql<{ n: number }>(`SELECT count() AS n FROM usage WHERE request_id = '${requestId}'`);
    return Number(row?.n) === 1 || undefined;
  });
});

test('there are at least ten', () => assert.ok(statements.length >= 10));

const format = 'TSVWithNamesAndTypes';
for (const [, title = '', statement = ''] of statements) {
  test(title, async () => {
    const [names, types] = (await system.query(statement, format)).split('\n');
    assert.ok(names && types?.split('\t').length === names.split('\t').length);
  });
}

test('npx tollgate sql: a statement of many lines comes to the ledger whole', async () => {
  const longest = statements.map(([, , statement = '']) => statement).reduce((a, b) => (b.length > a.length ? b : a));
  const heads = (answer: string) => answer.split('\n').slice(0, 2);
  const answered = await system.cli('sql', longest, '--format', format);
  assert.deepEqual(heads(answered), heads(await system.query(longest, format)));
});

test('npx tollgate usage: its cost is that of the rows', async () => {
  const ofRows = async () => {
    const [row] = await system.sql<{ cost: number }>(
      `SELECT sum(cost_nano_usd) AS cost FROM usage WHERE team = 'engineering' AND started_at > now() - INTERVAL 7 DAY`,
    );
    return Number(row?.cost);
  };
  // Rows of the tests before may still come: they are the same before and after when none came between.
  const [used, cost] = await until('an answer between two equal sums', async () => {
    const before = await ofRows();
    const answer = JSON.parse(await system.cli('usage', '--team', 'engineering', '--since', '7d', '--json'));
    return before === (await ofRows()) ? [answer, before] : undefined;
  });
  assert.ok(cost > 0);
  assert.equal(used.costNanoUsd, cost);
});
