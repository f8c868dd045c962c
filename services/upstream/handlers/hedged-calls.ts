import type { Sweep } from '../adapters/sweep.ts';
import type { Call } from './account.ts';
import type { AttemptEnd } from './attempt.ts';

export interface Ended {
  call: Call;
  end: AttemptEnd;
}

export interface HedgedCallsOptions {
  /** Milliseconds since the epoch: until then the first call has time to begin alone. */
  silentUntilMs: number;
  sweep: Sweep;
  /** @param onContent to be called before the call's first content goes out */
  open(which: 'first' | 'second', onContent: (call: Call) => void): Call;
  make(call: Call): Promise<AttemptEnd>;
  /** Whether the first one gets another beside it; asked once, when it has been silent for too long. */
  allowed(): Promise<boolean>;
  /** It ended, and another call goes on: whether that one may still answer. */
  mayGoOn(ended: Ended): boolean;
  /** It failed while the other one goes on. */
  failed(ended: Ended): void;
  /** The other one decides: this one was cut off, or ended at the same time. */
  lost(ended: Ended): void;
}

/**
 * One call, and another one beside it when the first is silent for too long. The first content decides, which of a JSON answer is all
 * of it: the other call is cut off in the same turn, so nothing of it ever goes out.
 */
export class HedgedCalls {
  readonly #options: HedgedCallsOptions;
  readonly #running = new Map<Call, Promise<Ended>>();
  readonly #content = Promise.withResolvers<void>();
  /** Nothing has come of any call yet. */
  #silent = true;
  /** Calls that were made. */
  made = 0;

  constructor(options: HedgedCallsOptions) {
    this.#options = options;
  }

  /** The call that decides, with its end. */
  async run(): Promise<Ended> {
    try {
      this.#begin('first');
      if ((await this.#isSilent()) && (await this.#options.allowed()) && this.#silent) this.#begin('second');
      return await this.#decision();
    } finally {
      this.#cutOthers(undefined);
    }
  }

  #begin(which: 'first' | 'second'): void {
    const call = this.#options.open(which, (winner) => {
      this.#cutOthers(winner);
      this.#heard();
    });
    const ended = this.#options.make(call).then((end) => ({ call, end }));
    this.#running.set(call, ended);
    this.made += 1;
    void ended.then(this.#heard, this.#heard);
  }

  readonly #heard = (): void => {
    this.#silent = false;
    this.#content.resolve();
  };

  async #isSilent(): Promise<boolean> {
    const { silentUntilMs, sweep } = this.#options;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const watch = { sweep: (nowMs: number) => nowMs >= silentUntilMs && resolve(true) };
    sweep.add(watch);
    void this.#content.promise.then(() => resolve(false));
    const silent = await promise;
    sweep.delete(watch);
    return silent;
  }

  async #decision(): Promise<Ended> {
    for (;;) {
      const ended = await Promise.race(this.#running.values());
      // What was cut off ends, too.
      if (!this.#running.delete(ended.call)) continue;
      if (this.#running.size > 0 && this.#options.mayGoOn(ended)) {
        this.#options.failed(ended);
        continue;
      }
      for (const [call, other] of this.#running) {
        this.#running.delete(call);
        call.attempt.stop(0);
        this.#options.lost(await other.catch(() => ({ call, end: { kind: 'stopped' } as const })));
      }
      return ended;
    }
  }

  #cutOthers(winner: Call | undefined): void {
    for (const call of [...this.#running.keys()]) {
      if (call === winner) continue;
      this.#running.delete(call);
      call.attempt.stop(0);
      this.#options.lost({ call, end: { kind: 'stopped' } });
    }
  }
}
