import type { GuardReply } from '@tollgate/contracts';
import {
  type Answer,
  type GuardHandler,
  type GuardPool,
  type GuardPoolOptions,
  guardPool,
  type NearGuards,
  type ServeGuardOptions,
  serveGuard,
} from '../index.ts';
import { FakeBus, FakeScope, silentLogger, testMetrics, textsOf } from './fakes.ts';

/** Answers every text in upper case. */
export const shout: GuardHandler = (request) => masked(textsOf(request).map((text) => text.toUpperCase()));

export function masked(texts: string[]): NonNullable<GuardReply['result']> {
  const value = {
    masked: texts.map((text, index) => ({ index, text })),
    entities: {},
    originals: {},
    refusal: undefined,
  };
  return { $case: 'pii', value };
}

export function maskedTexts(answer: Answer): string[] {
  if (answer.$case !== 'pii') throw new Error(`not a PII answer but ${JSON.stringify(answer)}`);
  return answer.value.masked.map(({ text }) => text);
}

/** Guards and pools of one test in this process, on one bus in memory; all are closed at the end. */
export class Harness {
  readonly bus = new FakeBus();
  readonly #scopes: FakeScope[] = [];
  readonly #pools: GuardPool[] = [];

  /** `near`: what it shares with the services of its process; by default it is alone. */
  async guard(
    options: Partial<ServeGuardOptions> = {},
    near?: NearGuards,
  ): Promise<{ scope: FakeScope; address: string; metrics: () => Promise<string> }> {
    const scope = new FakeScope(`guard-${this.#scopes.length}`, near);
    this.#scopes.push(scope);
    const metrics = testMetrics();
    const { address } = await serveGuard({
      kind: 'pii',
      env: { host: '127.0.0.1', port: 0, announceHost: '127.0.0.1' },
      bus: this.bus,
      logger: silentLogger,
      metrics,
      scope,
      ready: () => true,
      handle: shout,
      ...options,
    });
    return { scope, address, metrics: () => metrics.text() };
  }

  /** A pool that is connected to `guards` guards. */
  async pool(guards: number, options: Partial<GuardPoolOptions> = {}): Promise<GuardPool> {
    const pool = guardPool({
      kind: 'pii',
      bus: this.bus,
      logger: silentLogger,
      metrics: testMetrics(),
      ...options,
    });
    this.#pools.push(pool);
    await until(() => pool.usable === guards);
    return pool;
  }

  async close(): Promise<void> {
    for (const pool of this.#pools) pool.close();
    for (const scope of this.#scopes) await scope.runCloses();
  }
}

/** Turns of the event loop until `condition` holds; a test's own time-out ends it when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
