import { hash } from 'node:crypto';
import type { IdempotencyClaim, IdempotencyEnd } from '@tollgate/contracts';
import type { RedisConnection } from '@tollgate/redis';
import { scripts } from './scripts.ts';

/** What a request finds that wants to make the call for a key. */
export type Claimed =
  | { kind: 'claimed' }
  | { kind: 'mismatch' }
  /** An encoded KeptAnswer. */
  | { kind: 'answered'; answer: Uint8Array }
  /** Answered, and the answer is not kept. */
  | { kind: 'unkept' }
  | { kind: 'running'; requestId: string };

export interface IdempotencyStoreOptions {
  /** Claims and answers of one organization together; beyond it the oldest go. */
  bytesMax: number;
  /** How long a claim is kept, from its beginning and again from its answer. Default 24 h. */
  keptMs?: number;
}

const keptMsDefault = 24 * 3_600_000;
/** Its two digests and the holder's id, with what Redis adds for a hash, a key and a place in a sorted set. */
const claimBytes = 500;

/**
 * Who makes the call for an idempotency key, and what came of it: beside the budgets, in the Redis that does not evict, and each
 * step one script. All throw StoreFault.
 */
export class IdempotencyStore {
  readonly #redis: RedisConnection;
  readonly #bytesMax: number;
  readonly #keptMs: number;

  constructor(redis: RedisConnection, { bytesMax, keptMs }: IdempotencyStoreOptions) {
    this.#redis = redis;
    this.#bytesMax = bytesMax;
    this.#keptMs = keptMs ?? keptMsDefault;
  }

  /** The same request again holds what it held. */
  async claim(
    organizationId: string,
    teamId: string,
    requestId: string,
    { key, body, abandoned }: IdempotencyClaim,
  ): Promise<Claimed> {
    const { names, name } = keysOf(organizationId, teamId, key);
    const values = [requestId, Buffer.from(body).toString('base64url'), abandoned, this.#keptMs, claimBytes, name];
    const [outcome, value] = (await this.#redis.runBinary(scripts.claim, names, values)) as [number, Buffer?];
    switch (outcome) {
      case 0:
        return { kind: 'claimed' };
      case 1:
        return { kind: 'mismatch' };
      case 2:
        return { kind: 'answered', answer: value as Buffer };
      case 3:
        return { kind: 'unkept' };
      default:
        return { kind: 'running', requestId: String(value) };
    }
  }

  /** How many others went to make room; undefined: the request does not hold the key any more, nothing was done. */
  async end(end: IdempotencyEnd): Promise<number | undefined> {
    const { requestId, organizationId, teamId, key, answer, unkept } = end;
    const { names, name, prefix } = keysOf(organizationId, teamId, key);
    const values = [requestId, answer, unkept ? '1' : '', this.#keptMs, claimBytes, name, this.#bytesMax, prefix];
    const evicted = (await this.#redis.run(scripts.claimEnd, names, values)) as number;
    return evicted < 0 ? undefined : evicted;
  }
}

/** All in the organization's slot. The caller's key is known by its digest only, and each team's are its own. */
function keysOf(organizationId: string, teamId: string, key: Uint8Array) {
  const prefix = `tg:v1:{${organizationId}}:idempotency:`;
  const name = hash('sha256', `${teamId}\n${Buffer.from(key).toString('base64url')}`, 'base64url');
  return { names: [prefix + name, `${prefix}#claims`, `${prefix}#bytes`], name, prefix };
}
