import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { composeNatsConfiguration, natsConfigurationFile, passwordVariable, services } from './nats-configuration.ts';

test('nats.conf is what the permissions of the bus say', () => {
  assert.equal(
    readFileSync(natsConfigurationFile, 'utf8'),
    composeNatsConfiguration(),
    'run: npm run generate -w @tollgate/docker',
  );
});

test('every service is a user of its own, whose password is not in the file', () => {
  const users = [...composeNatsConfiguration().matchAll(/user: "([^"]+)", password: (\S+)/g)];
  assert.deepEqual(
    users.map(([, user, password]) => [user, password]),
    services.map((service) => [service, `$${passwordVariable(service)}`]),
  );
});
