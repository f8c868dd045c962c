import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceKinds } from '../services.ts';
import { type Installation, serviceEnvironment } from './service-environment.ts';

const installation: Installation = {
  natsAddress: 'nats://127.0.0.1:4222',
  natsUserFor: (name) => ({ name, password: `nats-secret-${name}` }),
  redisUrl: 'redis://default:redis-secret@127.0.0.1:1',
  cacheRedisUrl: 'redis://default:cache-secret@127.0.0.1:2',
  clickhouseUrl: 'http://tollgate:ledger-secret@127.0.0.1:3/tollgate',
  host: '0.0.0.0',
  port: 8080,
  tlsPort: 8443,
  consolePort: 8081,
  certFile: '/home/tls.crt',
  keyFile: '/home/tls.key',
  adminToken: 'admin-secret',
  responseIdKey: 'sealing-secret',
  providerCredentials: { AZURE_OPENAI_API_KEY: 'provider-secret' },
};

const environment = {
  PATH: '/bin',
  OPENAI_API_KEY: 'openai-secret',
  TOLLGATE_OWN_PROVIDER_KEY: 'own-secret',
  HTTPS_PROXY: 'http://user:proxy-secret@proxy:1',
  TOLLGATE_WEBHOOK_FINANCE: 'webhook-secret',
  TOLLGATE_ADMIN_TOKEN: 'admin-secret',
  TOLLGATE_RESPONSE_ID_KEY: 'given-secret',
  TOLLGATE_REDIS_URL: 'redis://given-secret',
  TOLLGATE_BODY_BYTES_MAX: '1024',
};

const secretsOf = (name: string) => {
  const kind = serviceKinds.find((candidate) => candidate.name === name);
  assert.ok(kind);
  const text = JSON.stringify(serviceEnvironment(kind, `${name}-1`, installation, environment));
  return [...new Set(text.match(/[a-z]+-secret(-[a-z]+)*/g))].sort();
};

test('each service gets the secrets that it uses and no others', () => {
  assert.deepEqual(secretsOf('ingress'), ['nats-secret-ingress']);
  assert.deepEqual(secretsOf('pipeline'), ['nats-secret-pipeline']);
  assert.deepEqual(secretsOf('guard-auth'), ['nats-secret-guard-auth', 'redis-secret']);
  assert.deepEqual(secretsOf('guard-pii'), ['nats-secret-guard-pii']);
  assert.deepEqual(secretsOf('guard-cache'), ['cache-secret', 'nats-secret-guard-cache', 'sealing-secret']);
  assert.deepEqual(secretsOf('guard-router'), ['nats-secret-guard-router', 'redis-secret', 'sealing-secret']);
  assert.deepEqual(secretsOf('upstream'), [
    'nats-secret-upstream',
    'openai-secret',
    'own-secret',
    'provider-secret',
    'proxy-secret',
    'sealing-secret',
  ]);
  assert.deepEqual(secretsOf('analytics'), ['ledger-secret', 'nats-secret-analytics']);
  assert.deepEqual(secretsOf('console'), [
    'admin-secret',
    'ledger-secret',
    'nats-secret-console',
    'proxy-secret',
    'webhook-secret',
  ]);
});

test('only the gateway and the console listen where TOLLGATE_HOST says; settings of services pass', () => {
  for (const kind of serviceKinds) {
    const env = serviceEnvironment(kind, `${kind.name}-1`, installation, environment);
    assert.equal(env.TOLLGATE_HOST, ['ingress', 'console'].includes(kind.name) ? '0.0.0.0' : '127.0.0.1', kind.name);
    assert.equal(env.TOLLGATE_BODY_BYTES_MAX, '1024');
    assert.equal(env.TOLLGATE_PORT, kind.name === 'ingress' ? '8080' : undefined);
  }
});
