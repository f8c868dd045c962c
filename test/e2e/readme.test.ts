import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { curl } from '../support/curl.ts';
import { sharedSystem } from '../support/system.ts';

// The curl lines of the README, as they stand, give the answers that stand below them. Asked by a team without a limit,
// which nobody else asks as: what others have cached must not answer, and what is left of a budget is not told.

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const shown = [...readme.matchAll(/```console\n\$ (curl [\s\S]*?)\n(?=[<{])([\s\S]*?)```/g)];
let host: string;
let key: string;

before(async () => {
  const system = sharedSystem();
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
