import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type Budget, limitsText } from './limits.ts';

const tokens: Budget = {
  ...{ scope: 'team', of: 'sample.engineering', quantity: 'tokens', window: '1d', mode: 'hard', models: [] },
  ...{ keys: ['build'], limit: 1000, spent: 250, reserved: 500, remaining: 250, resetsAtMs: Date.UTC(2026, 10, 27) },
};
const cost: Budget = {
  ...{
    scope: 'project',
    of: 'sample',
    quantity: 'cost_nano_usd',
    window: 'rolling-24h',
    mode: 'soft',
    models: ['mini'],
    keys: [],
  },
  ...{ limit: 5_000_000_000, spent: 1_250_000_000, reserved: 0, remaining: 3_750_000_000 },
};

test('spent and reserved are apart, money is in dollars, a rolling window has no end', () => {
  const [, ...lines] = limitsText([tokens, cost]).split('\n');
  assert.match(lines[0] ?? '', /tokens +1d +hard +all +build +1000 +250 +500 +250 +2026-11-27T00:00:00.000Z$/);
  assert.match(lines[1] ?? '', /cost_usd +rolling-24h +soft +mini +all +5 +1.25 +0 +3.75 +-$/);
  assert.equal(limitsText([]), '(no limits)');
});

test('usage --limits asks for the budgets of a team, as a table or as JSON', async () => {
  const asked: (string | undefined)[] = [];
  const console = createServer((request, response) => {
    asked.push(request.url);
    response.end(JSON.stringify({ budgets: [tokens] }));
  });
  await once(console.listen(0, '127.0.0.1'), 'listening');
  try {
    const run = async (...args: string[]) => {
      const child = spawn(process.execPath, [`${import.meta.dirname}/../cli.ts`, 'usage', '--limits', ...args], {
        env: {
          PATH: process.env.PATH,
          NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
          TOLLGATE_CONSOLE_URL: `http://127.0.0.1:${(console.address() as AddressInfo).port}`,
          TOLLGATE_ADMIN_TOKEN: 'a-token-of-tests',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      return output;
    };
    assert.match(await run('--team', 'engineering'), /sample\.engineering +tokens/);
    assert.deepEqual(JSON.parse(await run('--json')), { budgets: [tokens] });
    assert.deepEqual(asked, ['/api/budgets?team=engineering', '/api/budgets']);
  } finally {
    console.close();
  }
});
