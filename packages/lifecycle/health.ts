/** true, or why not. */
export type Check = () => true | string;

export interface Readiness {
  ready: boolean;
  /** By check: `ok`, or the reason why not. */
  checks: Record<string, string>;
}

/** Whether this replica should be given work. */
export class Health {
  readonly #checks = new Map<string, Check>();
  #phase: 'starting' | 'running' | 'draining' = 'starting';

  check(name: string, check: Check): void {
    if (this.#checks.has(name)) throw new Error(`health check '${name}' exists already`);
    this.#checks.set(name, check);
  }

  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  draining(): void {
    this.#phase = 'draining';
  }

  readiness(): Readiness {
    const checks: Record<string, string> = {};
    let ready = this.#phase === 'running';
    if (!ready) checks.lifecycle = this.#phase;
    for (const [name, check] of this.#checks) {
      const result = run(check);
      if (result !== true) ready = false;
      checks[name] = result === true ? 'ok' : result;
    }
    return { ready, checks };
  }
}

function run(check: Check): true | string {
  try {
    return check();
  } catch (error) {
    return `check failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
