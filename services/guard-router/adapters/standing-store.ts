import { loadScript, type RedisConnection } from '@tollgate/redis';
import type { Standing } from '../domain/order.ts';
import { probeMsMax } from '../domain/suspension.ts';

const script = loadScript(new URL('./standings.lua', import.meta.url));

export interface Standings {
  /** This request probes the first target that may be used. */
  probe: boolean;
  /** In the order in which the targets were named. */
  standings: Standing[];
}

/** Suspensions for requests that are bound to a resource: they take nobody's turn, and probe as others do. */
export class StandingStore {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** In one round trip. @param targets in the order in which they are wanted @throws StoreFault */
  async read(organizationId: string, targets: readonly string[], nowMs: number): Promise<Standings> {
    const keys = [`tg:v1:{${organizationId}}:suspended`];
    const [probe, ...times] = (await this.#redis.run(script, keys, [nowMs, probeMsMax, ...targets])) as number[];
    const standings = targets.map((_, index) => ({
      untilMs: times[index] ?? 0,
      probedUntilMs: times[targets.length + index] ?? 0,
    }));
    return { probe: probe === 1, standings };
  }
}
