import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  cacheFolder,
  clickhouseEngine,
  type Engine,
  type EngineContext,
  natsEngine,
  redisEngine,
} from '@tollgate/engines';
import { toTestEngine } from './test-engine.ts';
import {
  defaultEngines,
  defaultNatsUsers,
  type EnginesOptions,
  type TestEngine,
  type TestEngineName,
  type TestEngines,
} from './types.ts';

/** The launcher's own engines, in a home folder of their own. What the environment names by URL is not touched. */
export async function processEngines({
  only = defaultEngines,
  natsUsers = defaultNatsUsers,
}: EnginesOptions): Promise<TestEngines> {
  const home = await mkdtemp(path.join(tmpdir(), 'tollgate-test-'));
  const context: EngineContext = { home, cache: cacheFolder(), env: withoutEngineUrls(process.env), supervised: false };
  const started: Engine[] = [];
  const close = async () => {
    await Promise.all(started.map((engine) => engine.stop()));
    await rm(home, { recursive: true, force: true });
  };
  const start = async <E extends Engine>(make: Promise<E>): Promise<E> => {
    const engine = await make;
    started.push(engine);
    await engine.start();
    return engine;
  };
  const wants = (name: TestEngineName) => only.includes(name);
  try {
    const [nats, redis, cacheRedis, clickhouse] = await Promise.all([
      wants('nats') ? start(natsEngine(context, natsUsers)) : undefined,
      wants('redis') ? start(redisEngine(context, 'redis')) : undefined,
      wants('cacheRedis') ? start(redisEngine(context, 'cacheRedis')) : undefined,
      wants('clickhouse') ? start(clickhouseEngine(context)) : undefined,
    ]);
    return {
      get nats() {
        const engine = present('nats', nats);
        return { ...face(engine), address: engine.address, userFor: (name: string) => engine.userFor(name) };
      },
      get redis() {
        return face(present('redis', redis));
      },
      get cacheRedis() {
        return face(present('cacheRedis', cacheRedis));
      },
      get clickhouse() {
        return face(present('clickhouse', clickhouse));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function face(engine: Engine): TestEngine {
  const signal = async (name: 'SIGSTOP' | 'SIGCONT') => {
    if (engine.pid === undefined) throw new Error(`${engine.name} does not run`);
    process.kill(engine.pid, name);
  };
  return toTestEngine({
    ...{ name: engine.name, url: engine.url },
    start: () => engine.start(),
    stop: () => engine.stop(),
    kill: () => engine.kill(),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  });
}

function present<E>(name: TestEngineName, engine: E | undefined): E {
  if (engine === undefined) throw new Error(`This test started no ${name}: name it in \`only\`.`);
  return engine;
}

export function withoutEngineUrls(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { TOLLGATE_NATS_URL, TOLLGATE_REDIS_URL, TOLLGATE_CACHE_REDIS_URL, TOLLGATE_CLICKHOUSE_URL, ...rest } = env;
  return rest;
}
