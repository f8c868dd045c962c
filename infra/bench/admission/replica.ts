import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Bus, connectBus } from '@tollgate/bus';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import { type AuthCall, type Receipt, Surface } from '@tollgate/contracts';
import { type GuardPool, guardPool } from '@tollgate/guard';
import { RedisConnection } from '@tollgate/redis';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines } from '@tollgate/testing/engines';
import { startWithIpc } from '../contenders/child.ts';
import { end } from '../contenders/contender.ts';

/** What one admission was answered; without a receipt's reservations it was refused. */
interface Answer {
  receipt: Receipt | undefined;
  /** Of a refusal or an error; empty when admitted. */
  code: string;
}

/** One guard-auth on engines of its own, called as a pipeline calls it. */
export interface Replica {
  bus: Bus;
  redis: RedisConnection;
  /** With its credentials. */
  redisUrl: string;
  /** By process name, for CPU time. */
  processes: Map<string, number[]>;
  ask(team: string, requestId: string, change?: Partial<AuthCall>): Promise<Answer>;
  stop(): Promise<void>;
}

const project = 'bench';

/** @param teams YAML of each team's limits, by its name */
export async function startReplica(teams: Record<string, string>): Promise<Replica> {
  const snapshot = resolveConfig(parseConfigFile(configuration(teams)), 1, Date.now());
  const engines = await startEngines({ only: ['nats', 'redis'] });
  const { user, password } = engines.nats.credentials;
  const logger = createLogger({ service: 'bench', replica: 'bench', level: 'error' });
  const metrics = createMetrics('bench');
  const env = { url: engines.nats.address, user, password };
  const bus = await connectBus({ env, service: 'bench', replica: 'bench', logger, metrics });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 28 });
  await bus.configStore.apply(snapshot, 0);
  const keys = new Map<string, Buffer>();
  for (const team of Object.keys(teams)) keys.set(team, await putKey(bus, team));
  const { child } = await startWithIpc(path.resolve(import.meta.dirname, '../../../services/guard-auth/main.ts'), {
    TOLLGATE_NATS_URL: engines.nats.address,
    TOLLGATE_NATS_USER: user,
    TOLLGATE_NATS_PASSWORD: password,
    TOLLGATE_REDIS_URL: engines.redis.url,
    TOLLGATE_REPLICA: 'guard-auth-bench',
    TOLLGATE_LOG_LEVEL: 'warn',
  });
  const pool = guardPool({ kind: 'auth', bus, logger, metrics });
  const redis = new RedisConnection({ url: engines.redis.url, name: 'bench', logger, metrics });
  await new Promise<void>((resolve) => redis.onServer(() => resolve()));
  const redisPid = Number(/process_id:(\d+)/.exec(String(await redis.command('INFO', 'server')))?.[1]);
  const replica: Replica = {
    ...{ bus, redis, redisUrl: engines.redis.url },
    processes: new Map([
      ['guard-auth', [child.pid as number]],
      ['redis', [redisPid]],
    ]),
    ask: (team, requestId, change) => ask(pool, keys.get(team) as Buffer, requestId, change),
    stop: async () => {
      pool.close();
      redis.close();
      await end(child);
      await bus.close(1000);
      await engines.close();
    },
  };
  // The first admission waits for its counters.
  while ((await replica.ask(Object.keys(teams)[0] as string, `first-${Date.now()}`)).code === 'store_unavailable')
    await new Promise((resolve) => setTimeout(resolve, 50));
  return replica;
}

async function ask(pool: GuardPool, keyHash: Buffer, requestId: string, change?: Partial<AuthCall>): Promise<Answer> {
  const value: AuthCall = {
    ...{ keyHash, surface: Surface.CHAT_COMPLETIONS, model: 'gpt-4o', startedAtMs: Date.now() },
    ...{ bodyBytes: 400, outputTokensMax: 100, n: 1, stream: false, user: '', metadata: {} },
    ...{ clientAddress: '', owner: 'bench', ...change },
  };
  const call = { $case: 'auth', value } as const;
  const result = await pool.call({
    ...{ requestId, timeoutMs: 5000, revision: 1, proxy: `${project}.chat`, guardrail: 0, call },
  });
  if (result.$case === 'error') return { receipt: undefined, code: result.value.code };
  if (result.$case !== 'auth') throw new Error(`guard-auth answered ${result.$case}`);
  return { receipt: result.value.receipt, code: result.value.refusal?.code ?? '' };
}

async function putKey(bus: Bus, team: string): Promise<Buffer> {
  const hash = randomBytes(32);
  await bus.configStore.putKey({
    ...{ id: `key-${team}`, hash: hash.toString('hex'), name: 'bench', lastFive: '12345', organizationId: 'bench' },
    ...{ projectId: project, project, teamId: `${project}.${team}`, team, createdAtMs: 0 },
  });
  return hash;
}

const configuration = (teams: Record<string, string>) => `organization: bench
defaults: { concurrency: none }
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
providers:
  - { name: azure, type: azure-openai, endpoint: "http://127.0.0.1:1", models: [gpt-4o] }
projects:
  - name: ${project}
    teams:
${Object.entries(teams)
  .map(([name, own]) => `      - { name: ${name}, limits: ${own} }\n`)
  .join('')}    proxies:
      - { name: chat, context: /bench, provider: azure }
`;
