import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentTypeOf } from './sql-format.ts';

for (const [format, type] of [
  ['JSON', 'application/json; charset=utf-8'],
  ['JSONCompact', 'application/json; charset=utf-8'],
  ['JSONEachRow', 'application/x-ndjson; charset=utf-8'],
  ['JSONCompactEachRow', 'application/x-ndjson; charset=utf-8'],
  ['CSVWithNames', 'text/csv; charset=utf-8'],
  ['TSV', 'text/tab-separated-values; charset=utf-8'],
  ['TabSeparatedRaw', 'text/tab-separated-values; charset=utf-8'],
  ['PrettyCompactMonoBlock', 'text/plain; charset=utf-8'],
  ['Parquet', 'application/octet-stream'],
] as const) {
  test(`${format} is ${type}`, () => assert.equal(contentTypeOf(format), type));
}
