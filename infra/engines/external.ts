import { probeNats } from './probes/nats.ts';
import { probeRedis } from './probes/redis.ts';
import { addressOf } from './probes/socket.ts';
import type { Engine, EngineName, NatsEngine } from './types.ts';
import { budgetStoreVersionMin, compareVersions, versionMin } from './versions.ts';

const clickhouseTimeoutMs = 5_000;

/** A NATS server named by TOLLGATE_NATS_URL. Throws when it does not answer, is too old or has no JetStream. */
export async function externalNats(url: string): Promise<NatsEngine> {
  const info = await asked('TOLLGATE_NATS_URL', url, () => probeNats(addressOf(url, 4222)));
  refuseOlder('TOLLGATE_NATS_URL', 'NATS', info.version, versionMin.nats);
  if (!info.jetstream)
    throw new Error('TOLLGATE_NATS_URL: this NATS server runs without JetStream; start it with -js.');
  const parsed = new URL(url);
  const user = { name: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) };
  return {
    ...external('nats', url, info.version),
    name: 'nats',
    address: `nats://${parsed.host}`,
    userFor: () => user,
  };
}

/**
 * A Redis named by TOLLGATE_REDIS_URL (budgets) or TOLLGATE_CACHE_REDIS_URL; of a cluster several URLs, of which one has to
 * answer. Throws when none does, or when it is too old.
 */
export async function externalRedis(name: 'redis' | 'cacheRedis', url: string): Promise<Engine> {
  const variable = name === 'redis' ? 'TOLLGATE_REDIS_URL' : 'TOLLGATE_CACHE_REDIS_URL';
  const urls = url.split(',').map((each) => each.trim());
  // A Redis behind TLS is asked by its clients; what it is shows there.
  if (urls[0]?.startsWith('rediss:')) return external(name, url, '');
  const versions = urls.map((each) => asked(variable, each, () => redisVersion(each)));
  const version = await Promise.any(versions).catch(() => versions[0] as Promise<string>);
  // Without vector sets the cache still serves all hits but those of `facts` and `none`: good enough where somebody chose it.
  refuseOlder(variable, 'Redis', version, budgetStoreVersionMin);
  return external(name, url, version);
}

async function redisVersion(url: string): Promise<string> {
  const { username, password } = new URL(url);
  const credentials = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  return (await probeRedis({ ...addressOf(url, 6379), ...credentials })).version;
}

/** A ClickHouse server named by TOLLGATE_CLICKHOUSE_URL (`http://user:password@host:8123/database`). */
export async function externalClickHouse(url: string): Promise<Engine> {
  const version = await asked('TOLLGATE_CLICKHOUSE_URL', url, () => clickhouseVersion(url));
  refuseOlder('TOLLGATE_CLICKHOUSE_URL', 'ClickHouse', version, versionMin.clickhouse);
  return external('clickhouse', url, version);
}

async function clickhouseVersion(url: string): Promise<string> {
  const { origin, username, password } = new URL(url);
  const answer = await fetch(`${origin}/?query=${encodeURIComponent('SELECT version()')}`, {
    headers: {
      'x-clickhouse-user': decodeURIComponent(username) || 'default',
      'x-clickhouse-key': decodeURIComponent(password),
    },
    signal: AbortSignal.timeout(clickhouseTimeoutMs),
  });
  const text = (await answer.text()).trim();
  if (!answer.ok) throw new Error(`it refuses: ${answer.status} ${text.slice(0, 200)}`);
  return text;
}

async function asked<T>(variable: string, url: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new Error(`${variable}: ${new URL(url).host} cannot be used: ${(error as Error).message}`);
  }
}

function refuseOlder(variable: string, title: string, version: string, atLeast: string): void {
  if (compareVersions(version, atLeast) < 0)
    throw new Error(`${variable}: this is ${title} ${version}; ${atLeast} or later is needed.`);
}

function external(name: EngineName, url: string, version: string): Engine {
  const refuse = async () => {
    throw new Error(`${name} is named by URL: it is started and stopped where it runs.`);
  };
  return {
    name,
    url,
    version,
    source: 'url',
    pid: undefined,
    ready: true,
    restarts: 0,
    start: async () => {},
    stop: refuse,
    kill: refuse,
  };
}
