import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeRows, leadingCode, read } from './page.ts';
import {
  allVariables,
  containerVariables,
  declared,
  serviceVariables,
  simulatorVariables,
  type Variables,
} from './variables.ts';

interface Documented {
  variable: string;
  default: string;
  readers: string[];
}

const documented = codeRows(read('docs/environment.md')).map(
  ([variable = '', value = '', readers = '']): Documented => ({
    variable: variable.replaceAll('`', ''),
    default: value,
    readers: readers.split(', '),
  }),
);

const ofReader = (reader: string) => documented.filter(({ readers }) => readers.includes(reader));
const names = (rows: Documented[]) => rows.map(({ variable }) => variable).sort();

/** Known only when the process runs; the page says it in words. */
const inWords = new Set(['TOLLGATE_PII_THREADS', 'TOLLGATE_WEB_DIST']);

function assertDefaults(rows: Documented[], variables: Variables): void {
  for (const row of rows) {
    const value = variables.get(row.variable);
    if (inWords.has(row.variable)) assert.notEqual(value, undefined, row.variable);
    else if (value === undefined) assert.doesNotMatch(row.default, /^`(?!127\.0\.0\.1`)/, row.variable);
    else assert.equal(leadingCode(row.default), String(value), row.variable);
  }
}

test('docs/environment.md has every variable that the code reads, and no other', () => {
  assert.deepEqual([...new Set(names(documented))].sort(), [...allVariables()].sort());
});

test('docs/environment.md says for each service what it reads, with the defaults of its schema', async () => {
  const common = ofReader('every service');
  for (const [service, variables] of await serviceVariables()) {
    // A service's own row of a common variable is the one that counts.
    const own = ofReader(service);
    const rows = [...own, ...common.filter(({ variable }) => !names(own).includes(variable))];
    assert.deepEqual(names(rows), [...variables.keys()].sort(), service);
    assertDefaults(rows, variables);
  }
});

for (const [reader, file] of [
  ['launcher', 'infra/launcher/config.ts'],
  ['clickhouse-dev', 'infra/clickhouse-dev/config.ts'],
] as const) {
  test(`docs/environment.md says what ${reader} reads, with its defaults`, () => {
    const variables = declared(read(file));
    assert.deepEqual(names(ofReader(reader)), [...variables.keys()].sort());
    assertDefaults(ofReader(reader), variables);
  });
}

test('docs/environment.md says what the simulator and the containers read', () => {
  assert.deepEqual(names(ofReader('simulator')), simulatorVariables().sort());
  const containers = containerVariables();
  assert.deepEqual(names(ofReader('containers')), [...containers.keys()].sort());
  assertDefaults(ofReader('containers'), containers);
});

test('each row says who reads it', () => {
  for (const { variable, readers } of documented) assert.ok(readers[0], variable);
});
