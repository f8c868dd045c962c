import { randomBytes } from 'node:crypto';
import {
  freePort,
  makeDatabase,
  natsConfiguration,
  probeNats,
  probeRedis,
  redisConfiguration,
} from '@tollgate/engines';
import { GenericContainer, Wait } from 'testcontainers';
import { containerEngine } from './container-engine.ts';
import {
  defaultEngines,
  defaultNatsUsers,
  type EnginesOptions,
  type TestEngine,
  type TestEngineName,
  type TestEngines,
  type TestNatsEngine,
} from './types.ts';

const host = '127.0.0.1';
const clickhouseImageDefault = 'clickhouse/clickhouse-server:25.8';

/**
 * The official images through testcontainers, with the same settings as the launcher's own processes. Ports are fixed
 * for the life of the test, so that addresses outlive a restart. TOLLGATE_TEST_CLICKHOUSE_IMAGE names another image that
 * understands CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, such as the target clickhouse-dev of infra/docker/Dockerfile.
 */
export async function containerEngines({
  only = defaultEngines,
  natsUsers = defaultNatsUsers,
}: EnginesOptions): Promise<TestEngines> {
  const started: { remove(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all(started.map((engine) => engine.remove()));
  };
  const keep = async <E extends { remove(): Promise<void> }>(engine: Promise<E>): Promise<E> => {
    const result = await engine;
    started.push(result);
    return result;
  };
  const found: { nats?: TestNatsEngine; redis?: TestEngine; cacheRedis?: TestEngine; clickhouse?: TestEngine } = {};
  const starters: Record<TestEngineName, () => Promise<void>> = {
    nats: async () => {
      found.nats = await keep(startNats(natsUsers));
    },
    redis: async () => {
      found.redis = await keep(startRedis('redis'));
    },
    cacheRedis: async () => {
      found.cacheRedis = await keep(startRedis('cacheRedis'));
    },
    clickhouse: async () => {
      found.clickhouse = await keep(startClickHouse());
    },
  };
  const results = await Promise.allSettled(only.map((name) => starters[name]()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  return {
    get nats() {
      return present('nats', found.nats);
    },
    get redis() {
      return present('redis', found.redis);
    },
    get cacheRedis() {
      return present('cacheRedis', found.cacheRedis);
    },
    get clickhouse() {
      return present('clickhouse', found.clickhouse);
    },
    close,
  };
}

async function startNats(users: NonNullable<EnginesOptions['natsUsers']>) {
  const port = await freePort();
  const withPasswords = users.map((user) => ({ ...user, password: randomPassword() }));
  const userFor = (name: string) => {
    const user = withPasswords.find((candidate) => candidate.name === name);
    if (!user) throw new RangeError(`NATS has no user ${name}`);
    return { name, password: user.password };
  };
  const content = natsConfiguration({ listen: '0.0.0.0:4222', folder: '/tmp/tollgate' }, withPasswords);
  const container = new GenericContainer('nats:2')
    .withCopyContentToContainer([{ content, target: '/nats.conf', mode: 0o644 }])
    .withCommand(['-c', '/nats.conf'])
    // Not by listening ports: the image holds no shell to look for them with.
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .withExposedPorts({ container: 4222, host: port });
  const [first] = withPasswords;
  const url = `nats://${first?.name}:${first?.password}@${host}:${port}`;
  const engine = await containerEngine('nats', url, container, () => probeNats({ host, port }));
  return { ...engine, address: `nats://${host}:${port}`, userFor };
}

async function startRedis(name: 'redis' | 'cacheRedis') {
  const port = await freePort();
  const password = randomPassword();
  // The image keeps its data in /data; its entry point makes that folder the server's own.
  const content = redisConfiguration(name, { bind: '0.0.0.0', port: 6379, folder: '', password });
  const container = new GenericContainer('redis:8')
    .withCopyContentToContainer([{ content, target: '/tollgate.conf', mode: 0o644 }])
    .withCommand(['redis-server', '/tollgate.conf'])
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .withExposedPorts({ container: 6379, host: port });
  return containerEngine(name, `redis://default:${password}@${host}:${port}`, container, () =>
    probeRedis({ host, port, password }),
  );
}

async function startClickHouse() {
  const place = { port: await freePort(), user: 'tollgate', password: randomPassword(), database: 'tollgate' };
  const container = new GenericContainer(process.env.TOLLGATE_TEST_CLICKHOUSE_IMAGE ?? clickhouseImageDefault)
    .withEnvironment({ CLICKHOUSE_USER: place.user, CLICKHOUSE_PASSWORD: place.password })
    .withWaitStrategy(Wait.forHttp('/ping', 8123))
    .withExposedPorts({ container: 8123, host: place.port });
  const { port, user, password, database } = place;
  const url = `http://${user}:${password}@${host}:${port}/${database}`;
  // By a statement and not by /ping, which answers before the credentials are taken.
  return containerEngine('clickhouse', url, container, () => makeDatabase({ ...place, url }));
}

function present<E>(name: TestEngineName, engine: E | undefined): E {
  if (engine === undefined) throw new Error(`This test started no ${name}: name it in \`only\`.`);
  return engine;
}

const randomPassword = () => randomBytes(18).toString('base64url');
