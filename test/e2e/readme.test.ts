import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// The curl lines of the README, as they stand, give the answers that stand below them. Asked by a team without a limit,
// which nobody else asks as: what others have cached must not answer, and what is left of a budget is not told.

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const shown = [...readme.matchAll(/```console\n\$ (curl [\s\S]*?)\n(?=[<{])([\s\S]*?)```/g)];
const [, statement = '', table = ''] = /```console\n\$ npx tollgate sql "([^"]+)"\n([\s\S]*?)```/.exec(readme) ?? [];

let system: System;
let host: string;
let key: string;
/** Requests by status before the lines were typed. */
let earlier: Record<string, number>;

/** The cells of a table as the command prints it: a row a line, the heading first. */
function cellsOf(printed: string): string[][] {
  const rows = printed.split('\n').filter((line) => /[┌│]/.test(line));
  return rows.map((row) =>
    row
      .replace(/^ *\d*\.? *[┌│]|[┐│] *$/g, '')
      .split(/[─ ]*[┬│][─ ]*/)
      .map((cell) => cell.replace(/[─ ]/g, '')),
  );
}

/** What the README's statement says of a team: how many requests ended in which status. */
function requestsByStatus(printed: string, team: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [of, , status = '', requests] of cellsOf(printed).slice(1))
    if (of === team) sums[status] = (sums[status] ?? 0) + Number(requests);
  return sums;
}

before(async () => {
  system = sharedSystem();
  earlier = requestsByStatus(await system.cli('sql', statement), 'sales');
  host = (await system.status()).gatewayTlsUrl.replace('https://', '');
  // As a reader makes one.
  ({ key } = JSON.parse(await system.cli('keys', 'create', '--team', 'sales', '--name', 'readme', '--json')));
});

test('there are curl lines', () => assert.ok(shown.length >= 4));

for (const [, line = '', answer = ''] of shown) {
  test(`README: ${line.split('\n').at(-2)?.trim() ?? line}`, async () => {
    const typed = line.replace('127.0.0.1:8443', host).replace(/tg_\w+…/, key);
    const first = await curl(typed);
    const isHit = answer.includes('x-cache-status: HIT');
    const got = isHit ? await curl(typed) : first;
    assert.equal(got.status, Number(/< HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), got.body);
    for (const [, name = ''] of answer.matchAll(/^< (?!x-ratelimit|ratelimit)([a-z-]+): /gm))
      assert.ok(got.headers.has(name), `no header ${name}`);
    if (isHit) assert.equal(got.headers.get('x-cache-status'), 'HIT');
    for (const [, text = ''] of answer.matchAll(/"text":"([^"]+)"/g))
      assert.equal(JSON.parse(got.body).output[0].content[0].text, text);
    const code = /"code":"(\w+)"/.exec(answer)?.[1];
    if (code) assert.equal(JSON.parse(got.body).error.code, code);
  });
}

test('README: the ledger has them, as the table shows', async () => {
  const wanted = requestsByStatus(table, 'engineering');
  assert.deepEqual(wanted, { completed: 3, cached: 1 });
  let printed = '';
  const grown = await until('the rows of the lines above', async () => {
    printed = await system.cli('sql', statement);
    const now = requestsByStatus(printed, 'sales');
    const difference = Object.keys(wanted).map((status) => [status, (now[status] ?? 0) - (earlier[status] ?? 0)]);
    const total = difference.reduce((sum, [, count]) => sum + Number(count), 0);
    return total >= 4 ? Object.fromEntries(difference) : undefined;
  });
  assert.deepEqual(grown, wanted);
  assert.deepEqual(cellsOf(printed)[0], cellsOf(table)[0]);
});
