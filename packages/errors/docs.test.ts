import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { errorTable } from './index.ts';

interface DocumentedRow {
  code: string;
  status: string;
  type: string;
  retry: string;
  when: string;
  whatToDo: string;
}

async function documentedRows(): Promise<DocumentedRow[]> {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  return page
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .map((line) => {
      const [code = '', status = '', type = '', retry = '', when = '', whatToDo = ''] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', ''));
      return { code, status, type, retry, when, whatToDo };
    });
}

test('docs/errors.md documents exactly the codes of the table, each once', async () => {
  const documented = (await documentedRows()).map(({ code }) => code);
  assert.deepEqual(documented.toSorted(), Object.keys(errorTable).toSorted());
});

test('docs/errors.md gives each code the status and type that callers get', async () => {
  for (const documented of await documentedRows()) {
    const row = errorTable[documented.code as keyof typeof errorTable];
    const expected = { status: String(row.status), type: row.type, retry: row.retryable ? 'yes' : 'no' };
    const { status, type, retry } = documented;
    assert.deepEqual({ status, type, retry }, expected, documented.code);
  }
});

test('docs/errors.md says for each code when it comes and what to do', async () => {
  for (const { code, when, whatToDo } of await documentedRows()) {
    assert.ok(when.length > 10, `${code}: when`);
    assert.ok(whatToDo.length > 10, `${code}: what to do`);
  }
});
