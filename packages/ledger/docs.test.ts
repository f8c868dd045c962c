import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { LimitEvent } from '@tollgate/contracts';
import type { LedgerClient } from './client.ts';
import { insertUsage } from './insert.ts';
import { insertLimitEvents, toLimitEventRow } from './limit-event-row.ts';
import { runReadOnly } from './queries/read-only.ts';
import { startLedger, type TestLedger } from './testing/ledger.ts';
import { usageRow } from './testing/rows.ts';

const root = path.resolve(import.meta.dirname, '../..');
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
const page = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** Every statement that a page shows: blocks of SQL, what is given to the command line, and SELECTs in a sentence. */
function statements(markdown: string): string[] {
  const patterns = [/```sql\n([\s\S]*?)```/g, /tollgate sql "([^"<][^"]*)"/g, /(?<!`)`(SELECT [^`]+)`(?!`)/g];
  const found = patterns.flatMap((pattern) => [...markdown.matchAll(pattern)].map(([, statement = '']) => statement));
  return [...new Set(found.map((statement) => statement.replaceAll('\\"', '"').trim()))];
}

describe('the documents and the ledger', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('documents');
    await insertUsage(client, [usageRow({ startedAtMs: Date.now() })]);
    const [atMs, windowStartMs, windowEndMs] = [Date.now(), Date.now() - 1000, Date.now() + 1000];
    const empty = LimitEvent.decode(new Uint8Array(0));
    const event = { ...empty, atMs, windowStartMs, windowEndMs, kind: 'threshold', percent: 80, amount: 1 };
    await insertLimitEvents(client, [toLimitEventRow({ ...event, id: 'e', team: 'engineering' }, 1)]);
  });
  after(() => ledger?.close());

  for (const view of ['usage', 'limit_events'])
    it(`docs/ledger-for-analysts.md has the columns of ${view}, in order, with their types`, async () => {
      const columns = await client.rows<{ name: string; type: string }>(`DESCRIBE ${view}`);
      const section =
        page('docs/ledger-for-analysts.md').split(`## Columns of \`${view}\``)[1]?.split('\n## ')[0] ?? '';
      const documented = [...section.matchAll(/^\| `(\w+)` *\| *(.+?) *\|/gm)].map(([, name, type]) => ({
        name,
        type,
      }));
      assert.deepEqual(
        documented,
        columns.map(({ name, type }) => ({ name, type })),
      );
    });

  for (const file of pages) {
    for (const statement of statements(page(file))) {
      it(`${file}: ${statement.slice(0, 60).replaceAll('\n', ' ')}`, async () => {
        await text(await runReadOnly(client, statement, 'JSONEachRow'));
      });
    }
  }
});
