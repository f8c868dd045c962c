import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Logger } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { connectNats } from './connect.ts';

let engines: TestEngines;
let nc: NatsConnection | undefined;
before(async () => {
  engines = await startEngines({ only: ['nats'] });
});
after(async () => {
  await nc?.close();
  await engines.close();
});

test('NATS away at the start is told at once, not with every try, and waited for', async () => {
  const { address, credentials } = engines.nats;
  await engines.nats.stop();
  const lines: string[] = [];
  const told = Promise.withResolvers<void>();
  const warn = ({ err }: { err: Error }, text: string) => {
    lines.push(`${text}: ${err.message}`);
    told.resolve();
  };
  const connecting = connectNats({
    env: { url: address, ...credentials },
    service: 'test',
    replica: 'test-1',
    logger: { warn } as unknown as Logger,
  });
  await told.promise;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await engines.nats.start();
  nc = await connecting;
  await nc.flush();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^NATS cannot be reached, or refuses this user; trying again: .*refused/);
});
