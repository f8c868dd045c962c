import { setTimeout as wait } from 'node:timers/promises';
import { clickhouseEngine, type Engine, type EngineContext } from '@tollgate/engines';

const retryMsFirst = 1_000;
const retryMsMax = 60_000;

export interface LedgerOptions {
  context: EngineContext;
  migrate: (clickhouseUrl: string) => Promise<unknown>;
  /** Told about every change, for the operator. */
  say: (text: string) => void;
  /** Ends the attempts. */
  signal: AbortSignal;
}

/**
 * The ledger's engine, brought up beside the rest: the gateway answers before it is there, and usage waits in NATS.
 * Tries again for as long as the launcher runs, since a registry or a server may come back.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  #engine: Engine | undefined;
  #state = 'starting';

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  /** `ready`, or what it is waiting for. */
  get state(): string {
    return this.#state;
  }

  /** Resolves when the schema is there, or when the signal aborts. `onEngine` hears once what engine it is. */
  async bringUp(onEngine: (engine: Engine) => Promise<void>): Promise<void> {
    const { context, migrate, say, signal } = this.#options;
    let pauseMs = retryMsFirst;
    while (!signal.aborted) {
      try {
        if (!this.#engine) {
          const engine = await clickhouseEngine(context);
          this.#engine = engine;
          await onEngine(engine);
        }
        if (signal.aborted) return;
        await this.#engine.start();
        await migrate(this.#engine.url);
        this.#state = 'ready';
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error as Error, say);
        await wait(pauseMs, undefined, { signal }).catch(() => {});
        pauseMs = Math.min(retryMsMax, pauseMs * 2);
      }
    }
  }

  #report(error: Error, say: (text: string) => void): void {
    const state = `not there: ${error.message}`;
    if (state !== this.#state)
      say(`The ledger is ${state}\nThe gateway works without it: usage waits in NATS. Trying again.`);
    this.#state = state;
  }
}
