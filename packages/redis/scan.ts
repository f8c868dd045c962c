import type { RedisConnection } from './connection.ts';

const keysPerStep = 500;

/** Keys that match a glob pattern, in steps, so that no other caller waits long. A key may come twice. @throws StoreFault */
export async function* scanKeys(redis: RedisConnection, pattern: string): AsyncGenerator<string[]> {
  for (let cursor = '0'; ; ) {
    const reply = await redis.command('SCAN', cursor, 'MATCH', pattern, 'COUNT', keysPerStep);
    const [next, keys] = reply as [string, string[]];
    if (keys.length > 0) yield keys;
    if (next === '0') return;
    cursor = next;
  }
}
