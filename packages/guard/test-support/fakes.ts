import { EventEmitter } from 'node:events';
import type { GuardRequest } from '@tollgate/contracts';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import type { GuardCall } from '../index.ts';
import { NearGuards } from '../near/near-guards.ts';
import type { GuardBus } from '../wire/subjects.ts';

/** A bus in memory: what is published is received in the same turn. */
export class FakeBus implements GuardBus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  /** While true, nothing arrives. */
  isAway = false;

  publish(subject: string, bytes: Uint8Array): void {
    if (!this.isAway) this.#emitter.emit(subject, bytes);
  }

  subscribe(subject: string, receive: (bytes: Uint8Array) => void): { stop(): void } {
    this.#emitter.on(subject, receive);
    return { stop: () => this.#emitter.off(subject, receive) };
  }
}

/** A service's lifecycle, run by hand. */
export class FakeScope {
  readonly replica: string;
  readonly #drains: (() => Promise<void>)[] = [];
  readonly #closes: (() => Promise<void>)[] = [];
  /** The guards of the process that this service is imagined in. */
  readonly near: NearGuards;

  constructor(replica: string, near = new NearGuards()) {
    this.replica = replica;
    this.near = near;
  }

  shared<T>(type: new () => T): T {
    return (type === (NearGuards as unknown) ? this.near : new type()) as T;
  }

  drain(_name: string, drain: () => Promise<void>): void {
    this.#drains.push(drain);
  }

  defer(_name: string, close: () => Promise<void>): void {
    this.#closes.unshift(close);
  }

  async runDrains(): Promise<void> {
    await Promise.all(this.#drains.splice(0).map((drain) => drain()));
  }

  async runCloses(): Promise<void> {
    for (const close of this.#closes.splice(0)) await close();
  }
}

export const silentLogger = createLogger({ service: 'guard-test', replica: 'test', level: 'silent' });

export const testMetrics = () => createMetrics('guard-test');

/** A PII call with these texts; the handlers of the tests answer by what stands in them. */
export function piiCall(texts: string[], timeoutMs = 10_000): GuardCall {
  return {
    requestId: 'req_test',
    timeoutMs,
    revision: 1,
    proxy: 'proxy',
    guardrail: 0,
    call: { $case: 'pii', value: { texts } },
  };
}

export function textsOf(request: Pick<GuardRequest, 'call'>): string[] {
  return request.call?.$case === 'pii' ? request.call.value.texts : [];
}
