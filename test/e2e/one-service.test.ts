import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { freePort, repositoryFolder } from '@tollgate/engines';
import { ask } from '../support/load.ts';
import { metricOf, metricsOf } from '../support/metrics.ts';
import { sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// One service started by hand beside those of a launcher, with the line of docs/deployment.md.

const documented = readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8');
const [, line = ''] = /```console\n\$ (TOLLGATE_NATS_URL=[\s\S]*?)\n```/.exec(documented) ?? [];

test('a guard that is started by hand is found, asked, and let go without a failed request', async (t) => {
  const system = sharedSystem();
  const status = await system.status();
  const { host } = new URL(status.natsUrl);
  const passwords = JSON.parse(readFileSync(path.join(status.home, 'credentials.json'), 'utf8'));
  const port = await freePort();
  const typed = line
    .replace('127.0.0.1:4222', host)
    .replace(/(NATS_PASSWORD)=\S+/, `$1=${passwords['nats.guard-pii']}`)
    .replace('9464', String(port))
    .replace('node ', `exec ${process.execPath} `);
  const started = spawn('sh', ['-c', typed], {
    cwd: repositoryFolder,
    env: { PATH: process.env.PATH },
    stdio: 'inherit',
  });
  t.after(() => started.kill('SIGKILL'));
  const replicas = async () => (await metricsOf(status, 'pipeline', 'tollgate_guard_replicas', 'kind="pii"')).join();
  await until('two are asked', async () => (await replicas()) === '2' || undefined);
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);

  const { key } = await system.createKey('engineering', 'one-service');
  const { gatewayUrl } = status;
  const answers = Array.from({ length: 10 }, (_, number) => ask({ gatewayUrl, key }, `By hand ${number}`));
  for (const answer of await Promise.all(answers)) assert.ok(answer.whole, answer.code);
  assert.ok((await metricOf(`http://127.0.0.1:${port}`, 'tollgate_guard_requests_total')) > 0, 'it was asked');

  const exited = once(started, 'exit');
  const last = Array.from({ length: 10 }, (_, number) => ask({ gatewayUrl, key }, `While it goes ${number}`));
  started.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  for (const answer of await Promise.all(last)) assert.ok(answer.whole, answer.code);
  await until('one is left', async () => (await replicas()) === '1' || undefined);
});
