import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { controlRequest, NotRunningError } from './client.ts';
import { AlreadyRunningError, serveControl } from './server.ts';
import { controlSocketPath } from './socket-path.ts';

function temporaryHome(t: TestContext): string {
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-control-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

test('routes get the parts of the path and the body, and errors come back as text', async (t) => {
  const home = temporaryHome(t);
  const server = await serveControl(home, {
    'POST /engines/{name}/stop': async ({ name }, body) => ({ name, body }),
    'POST /fail': async () => {
      throw new Error('not like this');
    },
  });
  t.after(() => server.close());
  assert.equal(statSync(controlSocketPath(home)).mode & 0o777, 0o600);
  assert.deepEqual(await controlRequest(home, 'POST', '/engines/nats/stop', { a: 1 }), {
    name: 'nats',
    body: { a: 1 },
  });
  await assert.rejects(controlRequest(home, 'POST', '/fail'), /not like this/);
  await assert.rejects(controlRequest(home, 'GET', '/nothing'), /no such command/);
});

test('a second launcher is kept off the same home; what a killed one left is not', async (t) => {
  const home = temporaryHome(t);
  await assert.rejects(controlRequest(home, 'GET', '/ping'), NotRunningError);
  writeFileSync(controlSocketPath(home), '');
  const first = await serveControl(home, { 'GET /ping': async () => ({}) });
  await assert.rejects(serveControl(home, {}), AlreadyRunningError);
  await first.close();
  const next = await serveControl(home, { 'GET /ping': async () => ({}) });
  await next.close();
});

test('a home whose path is too long for a socket gets one elsewhere', () => {
  const long = `/${'x'.repeat(120)}`;
  assert.ok(Buffer.byteLength(controlSocketPath(long, '/tmp')) <= 103);
  assert.notEqual(controlSocketPath(long, '/tmp'), controlSocketPath(`${long}y`, '/tmp'));
  assert.equal(controlSocketPath('/home/me/.tollgate', '/tmp'), '/home/me/.tollgate/control.sock');
});
