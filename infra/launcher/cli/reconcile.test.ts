import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { Reconciliation } from './reconcile.ts';

const whole = { what: '', expected: 3, found: 3, detail: 'messages 1 to 3' };
const rows = { ...whole, compared: 'rows', outcome: 'equal' } as const;
const lost = {
  compared: 'rows',
  outcome: 'differs',
  what: 'request r-7',
  expected: 3,
  found: 0,
  detail: 'message 2',
} as const;
const answers: Record<string, Reconciliation> = {
  equal: { run: 'a', outcome: 'equal', findings: [rows] },
  differs: { run: 'b', outcome: 'differs', findings: [{ ...rows, outcome: 'differs' }, lost] },
  skipped: { run: 'c', outcome: 'skipped', findings: [rows, { ...whole, compared: 'budgets', outcome: 'skipped' }] },
};

let console: Server;
let answer: Reconciliation | undefined;
before(async () => {
  console = createServer((request, response) => {
    const asked = `${request.method} ${request.url} ${request.headers.authorization}`;
    response.statusCode = asked === 'POST /api/reconcile Bearer a-token-of-tests' && answer ? 200 : 503;
    response.end(JSON.stringify(answer ?? { error: { code: 'overloaded', message: 'Nobody compares.' } }));
  });
  await once(console.listen(0, '127.0.0.1'), 'listening');
});
after(() => console.close());

async function run(...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [`${import.meta.dirname}/../cli.ts`, 'reconcile', ...args], {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_CONSOLE_URL: `http://127.0.0.1:${(console.address() as AddressInfo).port}`,
      TOLLGATE_ADMIN_TOKEN: 'a-token-of-tests',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout as NonNullable<typeof child.stdout>),
    text(child.stderr as NonNullable<typeof child.stderr>),
    once(child, 'exit'),
  ]);
  return { output, errors, code };
}

for (const [outcome, expected] of Object.entries({ equal: 0, differs: 1, skipped: 2 })) {
  test(`${outcome}: ends with ${expected}`, async () => {
    answer = answers[outcome];
    const { output, code } = await run('--json');
    assert.equal(code, expected);
    assert.deepEqual(JSON.parse(output), answer);
  });
}

test('shows each comparison, and each difference', async () => {
  answer = answers.differs;
  const { output, code } = await run();
  assert.equal(code, 1);
  assert.match(output, /rows +differs +3 +3 +messages 1 to 3/);
  assert.match(output, /request r-7 +3 +0 +message 2/);
  answer = answers.equal;
  assert.doesNotMatch((await run()).output, /Differences/);
});

test('what could not be asked is no agreement', async () => {
  answer = undefined;
  const { errors, code } = await run();
  assert.equal(code, 1);
  assert.match(errors, /Nobody compares/);
});
