import type { Deployment } from './deployments.ts';

const WINDOW_MS = 60_000;
const SHOWN_REQUESTS = 100_000;
const SHOWN_TOKENS = 10_000_000;

export interface QuotaState {
  requestsLimit: number;
  requestsLeft: number;
  tokensLimit: number;
  tokensLeft: number;
  /** Set when the deployment's own figure is used up. */
  exceeded?: 'token' | 'call';
  windowEndsInMs: number;
}

/** Requests and tokens of the running minute, by deployment; a limit that a deployment does not set is never enforced. */
export class Quotas {
  readonly #now: () => number;
  #windows = new Map<string, { startedAt: number; requests: number; tokens: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a request, unless the limit is reached. */
  admit(deployment: Deployment): QuotaState {
    const window = this.#window(deployment.name);
    const state = this.#state(deployment, window);
    if (state.exceeded) return state;
    window.requests += 1;
    return this.#state(deployment, window, false);
  }

  charge(deployment: Deployment, tokens: number): void {
    this.#window(deployment.name).tokens += tokens;
  }

  reset(): void {
    this.#windows.clear();
  }

  #window(name: string) {
    const now = this.#now();
    let window = this.#windows.get(name);
    if (!window || now - window.startedAt >= WINDOW_MS) {
      window = { startedAt: now, requests: 0, tokens: 0 };
      this.#windows.set(name, window);
    }
    return window;
  }

  #state(deployment: Deployment, window: { startedAt: number; requests: number; tokens: number }, enforce = true) {
    const requestsLimit = deployment.requestsPerMinute ?? SHOWN_REQUESTS;
    const tokensLimit = deployment.tokensPerMinute ?? SHOWN_TOKENS;
    const state: QuotaState = {
      requestsLimit,
      requestsLeft: Math.max(0, requestsLimit - window.requests),
      tokensLimit,
      tokensLeft: Math.max(0, tokensLimit - window.tokens),
      windowEndsInMs: Math.max(1, window.startedAt + WINDOW_MS - this.#now()),
    };
    if (!enforce) return state;
    if (deployment.requestsPerMinute !== undefined && state.requestsLeft === 0)
      return { ...state, exceeded: 'call' as const };
    if (deployment.tokensPerMinute !== undefined && state.tokensLeft === 0)
      return { ...state, exceeded: 'token' as const };
    return state;
  }
}
