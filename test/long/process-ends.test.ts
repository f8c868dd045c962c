import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ancestry } from '@tollgate/testing/processes';
import { nobodyLeft, started } from '../support/home.ts';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// `npm start` with a process for each service: whatever ends one link of npm, shell, bootstrap and launcher, nothing of the home
// runs on, and the next start in it is ready.

const services = [
  'ingress',
  'pipeline',
  'guard-auth',
  'guard-pii',
  'guard-cache',
  'guard-router',
  'upstream',
  'analytics',
];
const processes = [
  ...['nats', 'redis', 'cacheRedis', 'clickhouse', 'simulator'],
  ...[...services, 'console'].map((name) => `${name}-1`),
].sort();
const demo = new URL('../../infra/launcher/configuration/demo.yaml', import.meta.url);
let system: System;

before(async () => {
  system = await newSystem();
});
after(() => system?.remove());

/** What an end takes its victims from: the launcher first, npm last. */
async function chain(): Promise<number[]> {
  const line = ancestry((await system.status()).pid);
  return line.slice(0, line.indexOf(system.pid as number) + 1);
}

const ends: Record<string, { signal: NodeJS.Signals; victims: (chain: number[]) => number[] }> = {
  'the launcher killed with SIGKILL': { signal: 'SIGKILL', victims: (chain) => chain.slice(0, 1) },
  'the bootstrap killed with SIGKILL': { signal: 'SIGKILL', victims: (chain) => chain.slice(1, 2) },
  'npm killed with SIGKILL': { signal: 'SIGKILL', victims: (chain) => chain.slice(-1) },
  'npm ended with SIGTERM': { signal: 'SIGTERM', victims: (chain) => chain.slice(-1) },
  'Ctrl-C': { signal: 'SIGINT', victims: (chain) => chain },
  'a terminal that is closed': { signal: 'SIGHUP', victims: (chain) => chain },
};

for (const [what, { signal, victims }] of Object.entries(ends)) {
  test(`${what} leaves no process`, async () => {
    await system.start(['npm', 'start']);
    assert.deepEqual(await started(system.home), processes);
    const own = await chain();
    assert.ok(own.length >= 3);
    for (const pid of victims(own)) process.kill(pid, signal);
    await nobodyLeft(system.home);
  });
}

test('a provider over plain http is warned of at every start; the same file is applied once', async () => {
  const file = path.join(system.home, 'plain.yaml');
  const text = (await readFile(demo, 'utf8'))
    .replace('endpoint: ENDPOINT', 'endpoint: http://provider.example\n    insecure: true')
    .replace('API_VERSION', '"2025-04-01-preview"');
  await writeFile(file, text);
  Object.assign(system.env, { TOLLGATE_CONFIG: file, AZURE_OPENAI_API_KEY: 'a-key' });
  const revisions: number[] = [];
  for (const applied of [true, false]) {
    await system.start();
    await until('the report', async () => system.output.includes('Tollgate is ready') || undefined);
    assert.match(
      system.output,
      /Warning: Provider azure-openai is called over plain http \(http:\/\/provider\.example\)/,
    );
    assert.equal(system.output.includes(`Applied ${file} as revision`), applied, system.output);
    revisions.push(await system.revision());
    await system.stop();
  }
  assert.equal(revisions[1], revisions[0]);
});
