import { EventEmitter } from 'node:events';
import type { GuardBus } from '../wire/subjects.ts';

/** A bus in memory: what is published is received in the same turn. */
export class FakeBus implements GuardBus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  publish(subject: string, bytes: Uint8Array): void {
    this.#emitter.emit(subject, bytes);
  }

  subscribe(subject: string, receive: (bytes: Uint8Array) => void): { stop(): void } {
    this.#emitter.on(subject, receive);
    return { stop: () => this.#emitter.off(subject, receive) };
  }
}
