import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ClickHouseClient } from '@clickhouse/client';
import { type Face, startFace, withoutEngine } from './testing/face.ts';

describe('readonly = 1', { skip: withoutEngine }, () => {
  let face: Face;
  let client: ClickHouseClient;

  before(async () => {
    face = await startFace();
    client = face.client({ clickhouse_settings: { readonly: '1' } });
    await face.client().command({ query: 'CREATE DATABASE d ENGINE = Atomic' });
    await face.client().command({ query: 'CREATE TABLE d.t (a UInt8) ENGINE = MergeTree ORDER BY a' });
  });
  after(() => face?.stop());

  const allowed = [
    'SELECT count() FROM d.t',
    "SELECT ' SETTINGS ' AS settings, `x` FROM (SELECT 1 AS `x`) -- SETTINGS a = 1",
    'WITH x AS (SELECT 1) SELECT * FROM x FORMAT JSON',
    '(SELECT 1) UNION ALL (SELECT 2);',
    'SHOW TABLES FROM d',
    'DESCRIBE TABLE d.t',
    'EXPLAIN SELECT 1',
    'SHOW CREATE TABLE d.t',
  ];
  for (const query of allowed) {
    it(`runs ${query}`, async () => {
      await client.command({ query });
    });
  }

  const refused: [string, RegExp][] = [
    ['INSERT INTO d.t VALUES (1)', /READONLY/],
    ['INSERT INTO d.t SELECT 1', /READONLY/],
    ['CREATE TABLE d.x (a UInt8) ENGINE = Memory', /READONLY/],
    ['DROP TABLE d.t', /READONLY/],
    ['ALTER TABLE d.t ADD COLUMN b UInt8', /READONLY/],
    ['KILL QUERY WHERE 1', /READONLY/],
    ['SYSTEM FLUSH LOGS', /READONLY/],
    ['SET readonly = 0', /READONLY/],
    ['USE d', /READONLY/],
    ['SELECT 1 SETTINGS max_memory_usage = 0', /READONLY/],
    ['SELECT 1 settings/**/max_execution_time=0 FORMAT Null', /READONLY/],
    ['SELECT * FROM (SELECT 1 SETTINGS max_threads = 64) FORMAT Parquet', /READONLY/],
    ["SELECT * FROM file('/etc/passwd', 'LineAsString')", /READONLY/],
    ["SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString')", /READONLY/],
    ["SELECT * FROM executable('id', 'TSV', 'a String')", /READONLY|executable/i],
    ["SELECT * FROM remote('127.0.0.1', system.one)", /READONLY/],
    ['SELECT 1; DROP TABLE d.t', /SYNTAX_ERROR/],
    ["SELECT '1'; SELECT 2", /SYNTAX_ERROR/],
  ];
  for (const [query, type] of refused) {
    it(`refuses ${query}`, async () => {
      await assert.rejects(client.command({ query }), (error: Error & { type?: string }) =>
        type.test(`${error.type} ${error}`),
      );
    });
  }

  it('refuses rows from the body', async () => {
    const values = [{ a: 1 }];
    await assert.rejects(client.insert({ table: 'd.t', values, format: 'JSONEachRow' }), { type: 'READONLY' });
  });

  it('writes no file, however the statement says it', async () => {
    const file = join(face.dataFolder, 'out.csv');
    const statements = [
      `SELECT 1 INTO OUTFILE '${file}'`,
      `SELECT 1 into/**/outfile '${file}' FORMAT CSV`,
      `EXPLAIN SELECT 1 INTO OUTFILE '${file}'`,
    ];
    for (const query of statements) {
      await assert.rejects(client.command({ query }), query);
      await assert.rejects(face.client().command({ query }), query);
    }
    assert.equal(existsSync(file), false);
  });

  it('refuses another value than ClickHouse knows', async () => {
    const other = face.client({ clickhouse_settings: { readonly: '3' } });
    await assert.rejects(other.query({ query: 'SELECT 1' }), { type: 'BAD_REQUEST_PARAMETER' });
  });
});
