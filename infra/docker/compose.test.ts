import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redisConfiguration } from '@tollgate/engines';
import { serviceKinds } from '@tollgate/launcher/services';
import { type ComposeService, composeFile } from './compose-file.ts';
import { passwordVariable, services } from './nats-configuration.ts';

const { services: containers, configs, networks } = composeFile();
const present = (name: string): ComposeService => {
  const container = containers[name];
  assert.ok(container, `no container ${name}`);
  return container;
};

test('every service has a container: its own program, its own NATS user, the stores that it uses and no others', () => {
  assert.deepEqual(serviceKinds.map(({ name }) => name).sort(), [...services]);
  const urls = {
    redis: ['TOLLGATE_REDIS_URL', '@redis:6379'],
    cacheRedis: ['TOLLGATE_CACHE_REDIS_URL', '@cache-redis:6379'],
    clickhouse: ['TOLLGATE_CLICKHOUSE_URL', '@clickhouse:8123/tollgate'],
  } as const;
  for (const { name, uses } of serviceKinds) {
    const { command, environment = {} } = present(name);
    assert.deepEqual(command, [`services/${name}/main.ts`]);
    assert.equal(environment.TOLLGATE_NATS_USER, name);
    assert.match(
      String(environment.TOLLGATE_NATS_PASSWORD),
      new RegExp(`^\\$\\{TOLLGATE_${passwordVariable(name)}:\\?`),
    );
    for (const [store, [variable, address]] of Object.entries(urls)) {
      const wanted = (uses as readonly string[]).includes(store);
      assert.equal(String(environment[variable] ?? '').endsWith(address), wanted, `${name}: ${variable}`);
    }
    assert.equal('TOLLGATE_ADMIN_TOKEN' in environment, name === 'console', name);
    assert.equal('TOLLGATE_SIM_API_KEY' in environment, name === 'upstream', name);
    assert.equal('TOLLGATE_RESPONSE_ID_KEY' in environment, uses.includes('responseIds'), name);
  }
  const passwords = present('nats').environment ?? {};
  assert.deepEqual(Object.keys(passwords).sort(), services.map(passwordVariable).sort());
  for (const [variable, value] of Object.entries(passwords)) assert.equal(value, `"\${TOLLGATE_${variable}}"`);
});

test('ports are published on loopback only, and only of what callers come to', () => {
  for (const [name, container] of Object.entries(containers)) {
    for (const port of container?.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
    assert.equal(container?.container_name, undefined, `${name} with a fixed name cannot be scaled`);
  }
  const published = Object.keys(containers).filter((name) => containers[name]?.ports);
  const fixed = serviceKinds.filter(({ fixedPort }) => fixedPort).map(({ name }) => name);
  assert.deepEqual(published.sort(), fixed.sort());
});

test('only upstream has a way out, and no service can write to its disk', () => {
  assert.equal(networks.inside?.internal, true);
  const outside = Object.keys(containers).filter((name) => containers[name]?.networks.includes('outside'));
  assert.deepEqual(outside, ['upstream']);
  for (const { name } of serviceKinds) assert.equal(present(name).read_only, true, name);
});

test('whatever stays up has a health check: of the image, or here', () => {
  const ofImage = /^(\$\{TOLLGATE_IMAGE|tollgate\/)/;
  const ends = ['migrate', 'cli', 'demo'];
  for (const [name, container] of Object.entries(containers)) {
    const { image = '', healthcheck } = container ?? {};
    if (ends.includes(name)) assert.equal(healthcheck?.disable, true, name);
    else assert.ok(healthcheck?.test ?? (ofImage.test(image) && !healthcheck), name);
  }
});

test('both Redis servers are configured as the launcher configures them', () => {
  const resolved = (name: string) =>
    configs[name]?.content?.replaceAll(/\$\{(\w+)\}/g, 'the password').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
  const place = { bind: '0.0.0.0', port: 6379, folder: '', password: 'the password' };
  assert.equal(resolved('redis'), redisConfiguration('redis', place));
  assert.equal(resolved('cache-redis'), redisConfiguration('cacheRedis', place));
});
