import { z } from 'zod';
import { group } from './read.ts';
import { integerVariable, portVariable, urlVariable } from './variables.ts';

const host = z.string().max(253, 'must be an address or a host name');
const credential = z.string().max(1024, 'must have at most 1024 characters').optional();

export interface NatsEnv {
  url: string;
  user?: string;
  password?: string;
}

/** Read as `nats`. */
export const natsEnv = {
  nats: group(
    {
      TOLLGATE_NATS_URL: urlVariable(['nats', 'tls', 'ws', 'wss'], { several: true }).default('nats://127.0.0.1:4222'),
      TOLLGATE_NATS_USER: credential,
      TOLLGATE_NATS_PASSWORD: credential,
    },
    (env): NatsEnv => ({
      url: env.TOLLGATE_NATS_URL,
      user: env.TOLLGATE_NATS_USER,
      password: env.TOLLGATE_NATS_PASSWORD,
    }),
  ),
};

export interface ReplicaEnv {
  service: string;
  /** Unique among everything on one bus; part of a NATS subject. */
  replica: string;
  /** Address to listen on. */
  host: string;
  /** What others reach us by. */
  announceHost: string;
}

/** Read as `replica`. */
export const replicaEnv = {
  replica: group(
    {
      TOLLGATE_SERVICE: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -'),
      TOLLGATE_REPLICA: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/, 'must be 1 to 80 of A-Z, a-z, 0-9, _ and -'),
      TOLLGATE_HOST: host,
      TOLLGATE_ANNOUNCE_HOST: host,
    },
    (env): ReplicaEnv => ({
      service: env.TOLLGATE_SERVICE,
      replica: env.TOLLGATE_REPLICA,
      host: env.TOLLGATE_HOST,
      announceHost: env.TOLLGATE_ANNOUNCE_HOST,
    }),
  ),
};

export interface HealthEnv {
  host: string;
  announceHost: string;
  /** 0 = any free one. */
  port: number;
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** From the signal to the exit, drains and closes together. */
  stopTimeoutMs: number;
}

/** Read as `health`. */
export const healthEnv = {
  health: group(
    {
      TOLLGATE_HOST: host,
      TOLLGATE_ANNOUNCE_HOST: host,
      TOLLGATE_HEALTH_PORT: portVariable(0),
      TOLLGATE_LOG_LEVEL: z
        .enum(
          ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
          'must be fatal, error, warn, info, debug, trace or silent',
        )
        .default('info'),
      TOLLGATE_STOP_TIMEOUT_MS: integerVariable({ min: 100, max: 600_000, default: 15_000 }),
    },
    (env): HealthEnv => ({
      host: env.TOLLGATE_HOST,
      announceHost: env.TOLLGATE_ANNOUNCE_HOST,
      port: env.TOLLGATE_HEALTH_PORT,
      logLevel: env.TOLLGATE_LOG_LEVEL,
      stopTimeoutMs: env.TOLLGATE_STOP_TIMEOUT_MS,
    }),
  ),
};

export interface GuardEnv {
  host: string;
  announceHost: string;
  /** Of the gRPC server; 0 = any free one. */
  port: number;
}

/** Read as `guard`. */
export const guardEnv = {
  guard: group(
    { TOLLGATE_HOST: host, TOLLGATE_ANNOUNCE_HOST: host, TOLLGATE_PORT: portVariable(0) },
    (env): GuardEnv => ({
      host: env.TOLLGATE_HOST,
      announceHost: env.TOLLGATE_ANNOUNCE_HOST,
      port: env.TOLLGATE_PORT,
    }),
  ),
};

export interface UrlEnv {
  /** With its credentials, so never to be logged. */
  url: string;
}

/** Budgets, turns and suspensions. Of a Redis Cluster the URL is several, of some of its nodes. Read as `redis`. */
export const redisEnv = {
  redis: group(
    { TOLLGATE_REDIS_URL: urlVariable(['redis', 'rediss'], { several: true }) },
    (env): UrlEnv => ({ url: env.TOLLGATE_REDIS_URL }),
  ),
};

/** The Redis that may evict. Read as `cacheRedis`. */
export const cacheRedisEnv = {
  cacheRedis: group(
    { TOLLGATE_CACHE_REDIS_URL: urlVariable(['redis', 'rediss']) },
    (env): UrlEnv => ({ url: env.TOLLGATE_CACHE_REDIS_URL }),
  ),
};

/** Read as `clickhouse`. */
export const clickhouseEnv = {
  clickhouse: group(
    { TOLLGATE_CLICKHOUSE_URL: urlVariable(['http', 'https']) },
    (env): UrlEnv => ({ url: env.TOLLGATE_CLICKHOUSE_URL }),
  ),
};

interface ResponseIdsEnv {
  /** The first seals, all open. */
  secrets: string[];
}

const secretRule =
  'must be a secret of at least 32 characters, or two with a comma between them: the first seals, both open';

/** What response ids are sealed with: the same for every service that reads it. Read as `responseIds`. */
export const responseIdsEnv = {
  responseIds: group(
    {
      TOLLGATE_RESPONSE_ID_KEY: z
        .string({ error: 'must be set: a secret of at least 32 characters' })
        .transform((value) => value.split(','))
        .refine((secrets) => secrets.length <= 2 && secrets.every(({ length }) => length >= 32), secretRule),
    },
    (env): ResponseIdsEnv => ({ secrets: env.TOLLGATE_RESPONSE_ID_KEY }),
  ),
};
