import { loadScript, type RedisConnection } from '@tollgate/redis';
import type { Standing } from '../domain/order.ts';
import { probeMsMax, suspectWithinMs } from '../domain/suspension.ts';

const turn = loadScript(new URL('./turn.lua', import.meta.url));
const suspend = loadScript(new URL('./suspend.lua', import.meta.url));

export interface Turn {
  /** Position in the list whose turn it is; -1 = all are suspended. */
  position: number;
  probe: boolean;
  standings: readonly Standing[];
}

export interface Report {
  target: string;
  outcome: string;
  untilMs: number;
  nowMs: number;
  requestId: string;
  probe: boolean;
}

/** Turns and suspensions, shared by all replicas; everything of an organization in one slot. */
export class RotationStore {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** Takes the next turn, in one round trip. @throws StoreFault */
  async next(organizationId: string, proxyId: string, targets: readonly string[], nowMs: number): Promise<Turn> {
    const keys = [`tg:v1:{${organizationId}}:turn:${proxyId}`, suspendedKey(organizationId)];
    const answer = (await this.#redis.run(turn, keys, [nowMs, probeMsMax, ...targets])) as number[];
    const standings = targets.map((_, index) => ({
      untilMs: answer[2 + index] ?? 0,
      probedUntilMs: answer[2 + targets.length + index] ?? 0,
    }));
    return { position: answer[0] ?? -1, probe: answer[1] === 1, standings };
  }

  /** Until when the target is suspended after this report; 0 = it is not. @throws StoreFault */
  async report(organizationId: string, report: Report): Promise<number> {
    const { target, outcome, untilMs, nowMs, requestId, probe } = report;
    const args = [target, outcome, untilMs, nowMs, requestId, suspectWithinMs, probe ? 1 : 0];
    return (await this.#redis.run(suspend, [suspendedKey(organizationId)], args)) as number;
  }
}

function suspendedKey(organizationId: string): string {
  return `tg:v1:{${organizationId}}:suspended`;
}
