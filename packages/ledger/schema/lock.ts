import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ClickHouseError } from '@clickhouse/client';
import type { LedgerClient } from '../client.ts';
import { SchemaError } from './fault.ts';

/** ClickHouse has no locks, but of two that create a table one fails: the table is the lock, its last row names the holder. */
const TABLE = 'schema_migrations_lock';
const RETRY_MS = 250;
/** A lock that was renewed since then is not renewed again. */
const RENEW_MS = 5000;

const UNKNOWN_TABLE = '60';
const TABLE_ALREADY_EXISTS = '57';

interface Holder {
  id: string;
  host: string;
  pid: number;
  /** Of the table, which is another one after each release. */
  uuid: string;
  /** Since it was taken or renewed, by ClickHouse's clock. */
  silentMs: number;
}

export interface LockOptions {
  /** How long to wait for another holder, milliseconds. */
  waitMs: number;
  /** A holder that was silent for longer is taken for dead. */
  leaseMs: number;
}

/**
 * Runs `work` while no other process does, and gives it a function that renews the lock, to be called before each step.
 * @throws SchemaError when another process holds it for longer than `waitMs`
 */
export async function withLock<T>(
  client: LedgerClient,
  options: LockOptions,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const id = randomUUID();
  const renewAfterMs = Math.min(RENEW_MS, options.leaseMs / 4);
  let renewedAtMs = Number.NEGATIVE_INFINITY;
  const renew = async () => {
    if (performance.now() - renewedAtMs < renewAfterMs) return;
    await client.insert(TABLE, [{ id, host: hostname(), pid: process.pid }]);
    renewedAtMs = performance.now();
  };
  const giveUpAtMs = performance.now() + options.waitMs;
  while (!(await take(client))) {
    const holder = await readHolder(client);
    if (holder && holder.silentMs > options.leaseMs) await moveAside(client, holder);
    else if (performance.now() >= giveUpAtMs) throw heldBy(holder);
    else await delay(RETRY_MS);
  }
  await renew();
  try {
    return await work(renew);
  } finally {
    // When this fails the lock expires; what went wrong in the work is the better message.
    await release(client, id).catch(() => {});
  }
}

async function take(client: LedgerClient): Promise<boolean> {
  const columns = `id String, host String, pid UInt32, renewed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')`;
  return unless(TABLE_ALREADY_EXISTS, () =>
    client.command(`CREATE TABLE ${TABLE} (${columns}) ENGINE = MergeTree ORDER BY renewed_at`),
  );
}

async function readHolder(client: LedgerClient): Promise<Holder | undefined> {
  const [table] = await client.rows<{ uuid: string; silentMs: number }>(
    `SELECT toString(t.uuid) AS uuid, dateDiff('millisecond', t.metadata_modification_time, now64(3)) AS silentMs
     FROM system.tables AS t WHERE t.database = currentDatabase() AND t.name = {table:String}`,
    { table: TABLE },
  );
  if (!table) return undefined;
  let last: Omit<Holder, 'uuid'>[] = [];
  await unless(UNKNOWN_TABLE, async () => {
    last = await client.rows(
      `SELECT id, host, pid, dateDiff('millisecond', renewed_at, now64(3)) AS silentMs
       FROM ${TABLE} ORDER BY renewed_at DESC LIMIT 1`,
    );
  });
  return { id: '', host: 'unknown', pid: 0, ...table, ...last[0] };
}

/** Renamed to a name that follows from the table itself, so that of two who find the same dead holder only one moves it. */
async function moveAside(client: LedgerClient, dead: Holder): Promise<void> {
  const parameters = { target: `${TABLE}_dead_${dead.uuid.replaceAll('-', '')}` };
  const rename = () => client.command(`RENAME TABLE ${TABLE} TO {target:Identifier}`, parameters);
  await unless(UNKNOWN_TABLE, () => unless(TABLE_ALREADY_EXISTS, rename));
}

async function release(client: LedgerClient, id: string): Promise<void> {
  const holder = await readHolder(client);
  if (holder?.id === id) await client.command(`DROP TABLE IF EXISTS ${TABLE} SYNC`);
}

/** False when it failed with that code of ClickHouse. */
async function unless(code: string, run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    if (error instanceof ClickHouseError && error.code === code) return false;
    throw error;
  }
}

function heldBy(holder: Holder | undefined): SchemaError {
  const who = holder ? ` (${holder.host}, process ${holder.pid})` : '';
  return new SchemaError(`another process migrates the ledger${who}: try again later`);
}
