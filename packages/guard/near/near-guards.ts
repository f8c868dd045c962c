import type { BulkRunner } from '../server/bulk.ts';
import type { Runner } from '../server/runner.ts';

/** A caller in this process. */
export type NearCaller = {
  /** Takes nothing new to the guard; says `closed` once it has all its answers. */
  drain(): void;
};

/** A guard that is served in this process, for callers beside it. */
export class NearGuard {
  readonly runner: Runner;
  readonly bulk: BulkRunner;
  readonly #callers = new Set<NearCaller>();
  #drained: (() => void) | undefined;

  constructor(runner: Runner, bulk: BulkRunner) {
    this.runner = runner;
    this.bulk = bulk;
  }

  opened(caller: NearCaller): void {
    this.#callers.add(caller);
  }

  closed(caller: NearCaller): void {
    this.#callers.delete(caller);
    if (this.#callers.size === 0) this.#drained?.();
  }

  /** Resolves when every caller has its answers, or after `msMax`. */
  async drain(msMax: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    for (const caller of this.#callers) caller.drain();
    if (this.#callers.size === 0) return;
    const timer = setTimeout(resolve, msMax);
    await promise;
    clearTimeout(timer);
  }
}

/** The guards of this process by the address at which others reach them: who runs beside one calls it without a network. */
export class NearGuards {
  readonly #byAddress = new Map<string, NearGuard>();

  add(address: string, guard: NearGuard): void {
    this.#byAddress.set(address, guard);
  }

  delete(address: string): void {
    this.#byAddress.delete(address);
  }

  at(address: string): NearGuard | undefined {
    return this.#byAddress.get(address);
  }
}
