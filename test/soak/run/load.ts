import { setTimeout as pause } from 'node:timers/promises';
import { requestPlan } from '../plan/request-plan.ts';
import { ofTeams } from '../plan/strict-team.ts';
import { call, type Outcome, type Target } from './caller.ts';

export interface LoadOptions {
  seed: number;
  /** Requests a second on average, sent whether earlier ones are answered or not. */
  rate: number;
  /** At least so many; then it goes on until `stop`. */
  requests: number;
}

/** Independent callers: what is sent, and when, does not depend on the answers. */
export class Load {
  readonly #target: Target;
  readonly #options: LoadOptions;
  readonly #running: Promise<Outcome>[] = [];
  readonly #sending: Promise<void>;
  #mayStop = false;

  constructor(target: Target, options: LoadOptions) {
    this.#target = target;
    this.#options = options;
    this.#sending = this.#send();
  }

  get sent(): number {
    return this.#running.length;
  }

  /** Resolves with every answer, once the asked number is sent and all have ended. */
  async stop(): Promise<Outcome[]> {
    this.#mayStop = true;
    await this.#sending;
    return Promise.all(this.#running);
  }

  async #send(): Promise<void> {
    const { seed, rate, requests } = this.#options;
    let dueAt = performance.now();
    for (let number = 0; number < requests || !this.#mayStop; number++) {
      const plan = ofTeams(requestPlan(seed, number, rate));
      dueAt += plan.gapMs;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) await pause(waitMs);
      this.#running.push(call(this.#target, plan));
    }
  }
}
