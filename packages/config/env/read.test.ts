import assert from 'node:assert/strict';
import os from 'node:os';
import { afterEach, test } from 'node:test';
import { z } from 'zod';
import { declareService } from './derived.ts';
import { EnvironmentError } from './fault.ts';
import { cacheRedisEnv, clickhouseEnv, guardEnv, healthEnv, natsEnv, redisEnv, replicaEnv } from './fragments.ts';
import { type EnvironmentSchema, readEnvironment } from './read.ts';
import { booleanVariable, integerVariable, urlVariable } from './variables.ts';

afterEach(() => declareService('tollgate'));

function faults(schema: EnvironmentSchema, environment: Record<string, string>): readonly string[] {
  try {
    readEnvironment(schema, environment);
  } catch (error) {
    assert.ok(error instanceof EnvironmentError);
    return error.faults;
  }
  return [];
}

test('everything has a default but the stores', () => {
  const env = readEnvironment({ ...natsEnv, ...healthEnv, ...replicaEnv, ...guardEnv }, {});
  assert.deepEqual(env.nats, { url: 'nats://127.0.0.1:4222', user: undefined, password: undefined });
  assert.deepEqual(env.health, {
    host: '127.0.0.1',
    announceHost: '127.0.0.1',
    port: 0,
    logLevel: 'info',
    stopTimeoutMs: 15_000,
  });
  assert.deepEqual(env.guard, { host: '127.0.0.1', announceHost: '127.0.0.1', port: 0 });
  assert.deepEqual(faults({ ...redisEnv, ...cacheRedisEnv, ...clickhouseEnv }, {}), [
    'TOLLGATE_REDIS_URL must be set: redis://host:port or rediss://host:port',
    'TOLLGATE_CACHE_REDIS_URL must be set: redis://host:port or rediss://host:port',
    'TOLLGATE_CLICKHOUSE_URL must be set: http://host:port or https://host:port',
  ]);
});

test('groups and single variables stand side by side', () => {
  const env = readEnvironment(
    { ...redisEnv, TOLLGATE_BODY_BYTES_MAX: integerVariable({ min: 1, max: 100, default: 16 }) },
    { TOLLGATE_REDIS_URL: 'redis://default:pw@127.0.0.1:6379', TOLLGATE_BODY_BYTES_MAX: '17' },
  );
  assert.equal(env.redis.url, 'redis://default:pw@127.0.0.1:6379');
  assert.equal(env.TOLLGATE_BODY_BYTES_MAX, 17);
});

test('it is frozen, and what is not asked for is not in it', () => {
  const env = readEnvironment({ ...natsEnv }, { TOLLGATE_NATS_USER: 'u', OTHER: 'x' });
  assert.deepEqual(Object.keys(env), ['nats']);
  assert.throws(() => Object.assign(env.nats, { user: 'v' }), TypeError);
  assert.throws(() => Object.assign(env, { nats: {} }), TypeError);
});

test('all faults are told at once, without the values', () => {
  const found = faults(
    { ...natsEnv, ...healthEnv, ...replicaEnv, NEEDED: z.string(), TOLLGATE_FLAG: booleanVariable(false) },
    {
      TOLLGATE_NATS_URL: 'secret-host:4222',
      TOLLGATE_HEALTH_PORT: '70000',
      TOLLGATE_STOP_TIMEOUT_MS: '1e3',
      TOLLGATE_REPLICA: 'a.b',
      TOLLGATE_FLAG: 'secret',
    },
  );
  assert.deepEqual(found.toSorted(), [
    'NEEDED must be set',
    'TOLLGATE_FLAG must be true or false',
    'TOLLGATE_HEALTH_PORT must be a whole number from 0 to 65535',
    'TOLLGATE_NATS_URL must be nats://host:port or tls://host:port or ws://host:port or wss://host:port (several: with commas between them)',
    'TOLLGATE_REPLICA must be 1 to 80 of A-Z, a-z, 0-9, _ and -',
    'TOLLGATE_STOP_TIMEOUT_MS must be a whole number from 100 to 600000',
  ]);
});

test('an empty variable counts as not set', () => {
  const env = readEnvironment({ ...healthEnv, ...natsEnv }, { TOLLGATE_HEALTH_PORT: '', TOLLGATE_NATS_USER: '' });
  assert.equal(env.health.port, 0);
  assert.equal(env.nats.user, undefined);
});

test('a list of NATS servers is one variable', () => {
  const several = 'nats://a:4222,tls://b:4222';
  assert.equal(readEnvironment(natsEnv, { TOLLGATE_NATS_URL: several }).nats.url, several);
  const one = { X: urlVariable(['http']) };
  assert.equal(faults(one, { X: 'http://a,http://b' }).length, 0);
  assert.equal(faults(one, { X: 'file:///etc/passwd' }).length, 1);
});

test('a replica is named by service and process, on another machine by that machine too', () => {
  const replica = (environment: Record<string, string>) => readEnvironment(replicaEnv, environment).replica;
  declareService('guard-pii');
  assert.equal(replica({}).replica, `guard-pii-${process.pid}`);
  assert.equal(replica({ TOLLGATE_SERVICE: 'other' }).replica, `other-${process.pid}`);
  assert.equal(replica({ TOLLGATE_REPLICA: 'guard-pii-7' }).replica, 'guard-pii-7');
  // Containers: each has the same small process id.
  const remote = replica({ TOLLGATE_HOST: '0.0.0.0' });
  assert.equal(remote.announceHost, os.hostname());
  assert.match(remote.replica, new RegExp(`^guard-pii-[A-Za-z0-9-]+-${process.pid}$`));
  assert.notEqual(remote.replica, `guard-pii-${process.pid}`);
});

test('others reach us where we say, else where we listen', () => {
  const at = (environment: Record<string, string>) => readEnvironment(guardEnv, environment).guard;
  assert.equal(at({ TOLLGATE_HOST: '10.0.0.7' }).announceHost, '10.0.0.7');
  assert.equal(at({ TOLLGATE_HOST: '0.0.0.0', TOLLGATE_ANNOUNCE_HOST: 'pii.local' }).announceHost, 'pii.local');
});
