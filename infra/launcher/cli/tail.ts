import { setTimeout as wait } from 'node:timers/promises';
import { newestSequence, rowsAfter } from '@tollgate/ledger';
import { Command } from 'commander';
import type { AdminClient } from '../admin-client.ts';
import { adminClient, print } from './context.ts';

const pollMs = 1_000;
const rowsMax = 500;

export interface TailRow {
  seq: string;
  at: string;
  team: string;
  model: string;
  status: string;
  http_status: number;
  cache_status: string;
  tokens: number | string;
  latency_ms: number;
}

export const tailCommand = () =>
  new Command('tail').description('requests as they reach the ledger').action(async () => {
    const admin = await adminClient();
    const [last] = await rows<{ seq: string }>(admin, newestSequence);
    let seen = last?.seq ?? '0';
    for (;;) {
      const found = await rows<TailRow>(admin, rowsAfter(BigInt(seen), rowsMax));
      for (const row of found) print(tailLine(row));
      seen = found.at(-1)?.seq ?? seen;
      await wait(pollMs);
    }
  });

async function rows<T>(admin: AdminClient, query: string): Promise<T[]> {
  const text = await admin.text('/api/sql', { method: 'POST', json: { query, format: 'JSONEachRow' } });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function tailLine(row: TailRow): string {
  const parts = [
    row.team.padEnd(14),
    row.model.padEnd(14),
    `${row.http_status} ${row.status}`.padEnd(14),
    row.cache_status.padEnd(6),
  ];
  return `${row.at}  ${parts.join(' ')} ${String(row.tokens).padStart(7)} tokens ${String(Math.round(row.latency_ms)).padStart(7)} ms`;
}
