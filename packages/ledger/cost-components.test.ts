import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { UsageEvent } from '@tollgate/contracts';
import type { LedgerClient } from './client.ts';
import { insertUsage } from './insert.ts';
import { runReadOnly } from './queries/read-only.ts';
import { toUsageRow, type UsageRow } from './row.ts';
import { startLedger, type TestLedger } from './testing/ledger.ts';
import { NOON_MS, usageRow } from './testing/rows.ts';

const COLUMNS =
  'cache_write_prompt_tokens, audio_prompt_tokens, audio_completion_tokens, service_tier, tool_calls, unpriced';
const NOTHING = {
  cache_write_prompt_tokens: 0,
  audio_prompt_tokens: 0,
  audio_completion_tokens: 0,
  service_tier: '',
  tool_calls: {},
  unpriced: [],
};
const tokens = { prompt: 100, completion: 20, cachedPrompt: 0, reasoning: 0 };

/** What a part of an event on the wire is in the columns of the ledger, the others being empty. */
const components: readonly {
  name: string;
  event: Partial<UsageEvent>;
  columns: Partial<Record<keyof typeof NOTHING, unknown>>;
}[] = [
  {
    name: 'cacheWritePrompt',
    event: { billed: { ...tokens, cacheWritePrompt: 31 } },
    columns: { cache_write_prompt_tokens: 31 },
  },
  { name: 'audioPrompt', event: { billed: { ...tokens, audioPrompt: 32 } }, columns: { audio_prompt_tokens: 32 } },
  {
    name: 'audioCompletion',
    event: { billed: { ...tokens, audioCompletion: 13 } },
    columns: { audio_completion_tokens: 13 },
  },
  {
    name: 'serviceTier',
    event: { billing: { serviceTier: 'flex', toolCalls: {}, unpriced: [] } },
    columns: { service_tier: 'flex' },
  },
  {
    name: 'toolCalls',
    event: { billing: { serviceTier: '', toolCalls: { web_search: 2, file_search: 1 }, unpriced: [] } },
    columns: { tool_calls: { web_search: 2, file_search: 1 } },
  },
  {
    name: 'unpriced',
    event: { billing: { serviceTier: '', toolCalls: {}, unpriced: ['model', 'audio_prompt_tokens'] } },
    columns: { unpriced: ['model', 'audio_prompt_tokens'] },
  },
  { name: 'none', event: { billed: tokens }, columns: {} },
];

/** As analytics gets it: through the wire. */
function received(name: string, event: Partial<UsageEvent>): UsageEvent {
  const blank = UsageEvent.decode(new Uint8Array(0));
  const receipt = {
    requestId: name,
    organizationId: 'o-1',
    organization: 'org',
    projectId: 'p-1',
    project: 'project',
    teamId: 't-1',
    team: 'team',
    keyId: 'k-1',
    startedAtMs: NOON_MS,
    revision: 1,
    reservations: [],
    estimatedPromptTokens: 0,
    estimatedCompletionTokens: 0,
  };
  return UsageEvent.decode(UsageEvent.encode({ ...blank, receipt, version: 3, ...event }).finish());
}

describe('what a cost is made of', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('components');
    await insertUsage(
      client,
      components.map(({ name, event }, index) => toUsageRow(received(name, event), index + 1)),
    );
  });
  after(() => ledger?.close());

  for (const { name, columns } of components) {
    it(`${name}: from the wire to the row, and to an analyst's question`, async () => {
      const where = `WHERE request_id = '${name}'`;
      const expected = { ...NOTHING, ...columns };
      assert.deepEqual(await client.rows(`SELECT ${COLUMNS} FROM usage_events ${where}`), [expected]);
      const answer = await text(await runReadOnly(client, `SELECT ${COLUMNS} FROM usage ${where}`, 'JSONEachRow'));
      assert.deepEqual(JSON.parse(answer), expected);
    });
  }

  it('a row of the version before, which does not name these columns, is taken and has nothing there', async () => {
    const row: Partial<UsageRow> = usageRow({ request_id: 'before' });
    for (const column of Object.keys(NOTHING)) delete row[column as keyof UsageRow];
    await client.insert('usage_events', [row]);
    assert.deepEqual(await client.rows(`SELECT ${COLUMNS} FROM usage WHERE request_id = 'before'`), [NOTHING]);
  });
});
