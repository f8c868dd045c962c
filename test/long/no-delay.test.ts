import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { ask } from '../support/load.ts';
import { newSystem, type System } from '../support/system.ts';

// Nagle's algorithm and delayed acknowledgements together make a small write wait 40 ms (RFC 896; RFC 1122, 4.2.3.2). At little load
// each hop without TCP_NODELAY adds that; at more load it hides in the tail, so it is the option that is looked at.

interface Connection {
  service: string;
  side: 'client' | 'server';
  port: number;
  noDelay: boolean;
}

let folder: string;
let system: System;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tollgate-no-delay-'));
  const probe = new URL(`../support/no-delay-probe.mjs?folder=${folder}`, import.meta.url);
  system = await newSystem({ NODE_OPTIONS: `--import ${probe.href}` });
  await system.start();
});
after(async () => {
  await system?.remove();
  await rm(folder, { recursive: true, force: true });
});

test('TCP_NODELAY is set on every connection of every service that carries data', async () => {
  const status = await system.status();
  const { gatewayUrl, natsUrl, redisUrl, cacheRedisUrl, clickhouseUrl, simulatorUrl } = status;
  const services = status.services.map(({ name }) => name);
  const { key } = await system.createKey('engineering', 'no-delay');
  for (const stream of [false, true])
    assert.ok((await ask({ gatewayUrl, key, stream, cached: true }, `At once, ${stream}`)).whole);
  await system.stop();
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
  const all = files.flatMap((text) => JSON.parse(text) as Connection[]);
  assert.deepEqual(
    all.filter(({ noDelay }) => !noDelay),
    [],
  );
  const used = new Set(all.map(({ service, side, port }) => `${service} ${side} ${port}`));
  const portOf = (url: string | null) => new URL(url ?? '').port;
  const expected = [
    `ingress server ${portOf(gatewayUrl)}`,
    `guard-auth client ${portOf(redisUrl)}`,
    `guard-cache client ${portOf(cacheRedisUrl)}`,
    `guard-router client ${portOf(redisUrl)}`,
    `upstream client ${portOf(simulatorUrl)}`,
    `analytics client ${portOf(clickhouseUrl)}`,
    ...services.map((service) => `${service} client ${portOf(natsUrl)}`),
  ];
  assert.deepEqual(
    expected.filter((connection) => !used.has(connection)),
    [],
  );
  // One stream of batches to each guard: who is asked there listens here.
  const asked = all.filter(
    ({ service, side, port }) => service === 'pipeline' && side === 'client' && String(port) !== portOf(natsUrl),
  );
  const listening = asked.flatMap(({ port }) => all.filter((other) => other.side === 'server' && other.port === port));
  assert.deepEqual(
    new Set(listening.map(({ service }) => service)),
    new Set(services.filter((name) => name.startsWith('guard-'))),
  );
});
