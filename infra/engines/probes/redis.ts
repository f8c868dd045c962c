import { exchange } from './socket.ts';

export interface RedisTarget {
  host: string;
  port: number;
  user?: string;
  password?: string;
}

export interface RedisInfo {
  /** What clients may rely on: Redis' own version, or the version of Redis that Valkey says it is compatible with. */
  version: string;
  product: 'redis' | 'valkey';
}

const timeoutMs = 2_000;

/** Version and product of a Redis that accepts commands. Rejects while it loads, or with its refusal. */
export async function probeRedis(target: RedisTarget): Promise<RedisInfo> {
  const commands = [['INFO', 'server'], ['PING']];
  if (target.password)
    commands.unshift(target.user ? ['AUTH', target.user, target.password] : ['AUTH', target.password]);
  const answer = await exchange(target, commands.map(encode).join(''), isComplete, timeoutMs);
  const refusal = /^-(.*)\r$/m.exec(answer)?.[1];
  if (refusal) throw new Error(`Redis on ${target.host}:${target.port} refuses: ${refusal}`);
  const valkey = /^valkey_version:(\S+)/m.exec(answer)?.[1];
  const redis = /^redis_version:(\S+)/m.exec(answer)?.[1];
  if (!redis) throw new Error(`${target.host}:${target.port} is no Redis`);
  return { version: valkey ?? redis, product: valkey ? 'valkey' : 'redis' };
}

/** The last answer is PING's; an error line (wrong password, loading) ends the wait at once. */
const isComplete = (answer: string) => answer.includes('+PONG\r\n') || /^-.*\r\n/m.test(answer);

const encode = (parts: string[]) =>
  `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
