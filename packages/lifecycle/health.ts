/** true; why it should get no work; or, with `degraded`, what is missing while it still works. */
type CheckResult = true | string | { degraded: string };
export type Check = () => CheckResult;

export interface Readiness {
  ready: boolean;
  /** By check: `ok`, the reason why not, or `degraded: ` and what is missing. */
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
      if (typeof result === 'string') ready = false;
      checks[name] = describe(result);
    }
    return { ready, checks };
  }
}

function describe(result: CheckResult): string {
  if (result === true) return 'ok';
  return typeof result === 'string' ? result : `degraded: ${result.degraded}`;
}

function run(check: Check): CheckResult {
  try {
    return check();
  } catch (error) {
    return `check failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
