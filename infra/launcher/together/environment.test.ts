import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serviceKinds } from '../services.ts';
import { type Installation, serviceEnvironment } from '../supervisor/service-environment.ts';
import { readConfig } from './config.ts';
import { memberEnvironment, processEnvironmentOf } from './environment.ts';
import { mayShare } from './groups.ts';

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
  TOLLGATE_BODY_BYTES_MAX: '1024',
  TOLLGATE_SERVICE: 'launcher',
  TOLLGATE_TOGETHER: 'all',
};

const members = serviceKinds
  .filter(({ name }) => mayShare.includes(name))
  .map((kind) => ({
    name: kind.name,
    environment: serviceEnvironment(kind, `${kind.name}-2`, installation, environment),
  }));

test('each service of a process finds the variables that it would have alone', () => {
  const shared = processEnvironmentOf(members);
  for (const { name, environment: own } of members) {
    const { TOLLGATE_SERVICES: names, ...found } = memberEnvironment(name, shared);
    assert.equal(names, members.map((member) => member.name).join(','));
    assert.deepEqual(found, own, name);
  }
});

test('what all have alike stands there once, and nothing that only one has is given to the others', () => {
  const shared = processEnvironmentOf(members);
  assert.equal(shared.PATH, '/bin');
  assert.equal(shared.TOLLGATE_BODY_BYTES_MAX, '1024');
  assert.equal(shared.TOLLGATE_NATS_URL, installation.natsAddress);
  assert.equal(Object.keys(shared).filter((name) => name.endsWith('BODY_BYTES_MAX')).length, 1);
  for (const name of ['SERVICE', 'REPLICA', 'PORT', 'HOST', 'NATS_USER', 'NATS_PASSWORD', 'REDIS_URL', 'TOGETHER']) {
    assert.equal(shared[`TOLLGATE_${name}`], undefined, name);
  }
  assert.equal(shared.TOLLGATE_AT_INGRESS_HOST, '0.0.0.0');
  assert.equal(shared.TOLLGATE_AT_GUARD_AUTH_NATS_USER, 'guard-auth');
  assert.doesNotMatch(JSON.stringify(memberEnvironment('guard-pii', shared)), /redis-secret|nats-secret-(?!guard-pii)/);
  assert.doesNotMatch(JSON.stringify(shared), /openai-secret|provider-secret|admin-secret|ledger-secret/);
});

test('one service alone in a process keeps what tells it apart', () => {
  const [only] = members;
  assert.ok(only);
  const shared = processEnvironmentOf([only]);
  assert.equal(shared.TOLLGATE_REPLICA, undefined);
  assert.equal(memberEnvironment(only.name, shared).TOLLGATE_REPLICA, 'ingress-2');
});

test('what tells services apart is nobody’s when the process itself has it', () => {
  const ofTheProcess = {
    TOLLGATE_REPLICA: 'x',
    TOLLGATE_NATS_USER: 'y',
    TOLLGATE_PORT: '1',
    TOLLGATE_AT_PIPELINE_X: 'z',
  };
  assert.deepEqual(memberEnvironment('ingress', ofTheProcess), { TOLLGATE_SERVICE: 'ingress' });
});

const refusal = /TOLLGATE_SERVICES must be services with commas between them, each once, of ingress, pipeline/;

test('a process refuses services that may not share, and says which may', () => {
  for (const services of ['ingress,upstream', 'ingress,ingress', 'nothing', 'ingress,'])
    assert.throws(() => readConfig({ TOLLGATE_SERVICES: services }), refusal, services);
});

test('and ends with that', async () => {
  const file = fileURLToPath(new URL('./main.ts', import.meta.url));
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, TOLLGATE_SERVICES: 'ingress,upstream' };
  const { code, errors } = await new Promise<{ code: unknown; errors: string }>((resolve) => {
    execFile(process.execPath, [file], { env, timeout: 20_000 }, (error, _, text) =>
      resolve({ code: error?.code, errors: text }),
    );
  });
  assert.equal(code, 1);
  assert.match(errors, refusal);
});
