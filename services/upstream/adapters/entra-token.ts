import {
  type EntraWorkloadIdentity,
  readCredential,
  type WorkloadIdentity,
  workloadIdentityOf,
} from '@tollgate/config';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Dispatcher } from 'undici';
import type { Key, KeySource, KnownKey, Standing } from './key-source.ts';
import { type AskedToken, requestToken } from './token-request.ts';

export interface EntraTokenOptions {
  settings: EntraWorkloadIdentity;
  pool(origin: string): Dispatcher;
  /** Milliseconds since the epoch. */
  now(): number;
  /** A token was asked for. */
  onAsked(outcome: 'issued' | 'failed'): void;
  /** A token endpoint that does not answer by then is away; default 5,000. */
  askMsMax?: number;
}

/** A token is not sent any more so long before it runs out, or a twentieth of its life where that is less. */
const marginMsMax = 30_000;
const pauseMsMin = 1000;
const pauseMsMax = 30_000;
/** An endpoint that wants to be left alone longer is asked all the same: prompts wait for it. */
const retryAfterMsMax = 300_000;
/** Between two tokens that are asked for because a provider refused one: what it misses may be a permission. */
const renewEveryMs = 60_000;

/**
 * Tokens of Microsoft Entra for the workload that this process is, in place of a key. Each is renewed before it runs out, one request
 * for all who need it; while that fails the old one is used as long as it lives. The file of the workload's own token is read anew
 * each time, for it rotates.
 */
export class EntraToken implements KeySource {
  readonly name: string;
  /** Of the token endpoint; undefined where the environment does not say enough. */
  readonly origin: string | undefined;
  readonly #options: EntraTokenOptions;
  readonly #identity: WorkloadIdentity | undefined;
  #known: KnownKey | undefined;
  #versions = 0;
  #usableUntilMs = 0;
  #dueAtMs = 0;
  /** Since the last token. */
  #failures = 0;
  #problem = 'a token is being asked for';
  #asking: Promise<void> | undefined;
  #renewedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: EntraTokenOptions) {
    this.#options = options;
    this.name = nameOfIdentity(options.settings);
    try {
      this.#identity = workloadIdentityOf(options.settings);
      this.origin = new URL(this.#identity.authority).origin;
    } catch (error) {
      // The variables of a process stay as they were.
      this.#failures = 1;
      this.#problem = describe(error);
      this.#dueAtMs = Number.POSITIVE_INFINITY;
    }
  }

  get standing(): Standing {
    if (!this.#isUsable()) return 'missing';
    return this.#failures > 0 ? 'kept' : 'good';
  }

  get why(): string {
    return this.standing === 'good' ? '' : this.#problem;
  }

  /** Who comes while the first token is on its way waits for it, 5 s at most. After a failure nobody waits: others may serve. */
  find(): Key | Promise<Key> {
    if (this.#known && this.#isUsable()) return this.#known;
    if (this.#failures > 0) return { missing: this.#problem };
    return this.#ask().then(() => (this.#known && this.#isUsable() ? this.#known : { missing: this.#problem }));
  }

  async check(): Promise<void> {
    if (this.#options.now() >= this.#dueAtMs) await this.#ask();
  }

  async renew(version: number): Promise<boolean> {
    const isNewer = () => this.#isUsable() && this.#known?.version !== version;
    const nowMs = this.#options.now();
    if (isNewer() || nowMs - this.#renewedAtMs < renewEveryMs) return isNewer();
    this.#renewedAtMs = nowMs;
    await this.#ask();
    return isNewer();
  }

  #isUsable(): boolean {
    return this.#options.now() < this.#usableUntilMs;
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    if (!this.#identity) return;
    const askedAtMs = this.#options.now();
    const answer = await this.#answerFor(this.#identity);
    if ('problem' in answer) {
      this.#failures += 1;
      this.#problem = answer.problem;
      this.#dueAtMs = this.#options.now() + pauseMs(this.#failures, answer.retryAfterMs);
      this.#options.onAsked('failed');
      return;
    }
    const { token, expiresInMs, refreshInMs } = answer;
    if (this.#known?.key !== token) this.#known = { key: token, version: ++this.#versions };
    this.#usableUntilMs = askedAtMs + expiresInMs - Math.min(marginMsMax, expiresInMs / 20);
    this.#dueAtMs = askedAtMs + refreshInMs;
    this.#failures = 0;
    this.#options.onAsked('issued');
  }

  async #answerFor(identity: WorkloadIdentity): Promise<AskedToken> {
    const { pool, askMsMax = 5000 } = this.#options;
    try {
      const assertion = await readCredential({ file: identity.tokenFile });
      return await requestToken(pool(new URL(identity.authority).origin), identity, assertion, askMsMax);
    } catch (error) {
      return { problem: describe(error), retryAfterMs: 0 };
    }
  }
}

/** The same for settings that lead to the same token. */
export function nameOfIdentity({ tenantId, clientId, tokenFile, authority, scope }: EntraWorkloadIdentity): string {
  return `entra ${[tenantId, clientId, tokenFile, authority, scope].map((part) => part ?? '-').join(' ')}`;
}

function pauseMs(failures: number, retryAfterMs: number): number {
  const pause = Math.min(pauseMsMin * 2 ** (failures - 1), pauseMsMax);
  return Math.max(pause, Math.min(retryAfterMs, retryAfterMsMax));
}

/** Never a text of somebody else's. */
function describe(error: unknown): string {
  if (error instanceof TollgateError) return toErrorDetail(error).internal;
  const { code, name } = error as { code?: unknown; name?: unknown };
  return `the token endpoint could not be asked: ${typeof code === 'string' ? code : name}`;
}
