import { encode, GuardBeat } from '@tollgate/contracts';
import { beatSubject, type GuardBus, helloSubject } from '../wire/subjects.ts';

const beatMs = 1_000;

/**
 * Announces a guard: once a second, at the start, at drain, and whenever a pipeline says hello. `beat` is asked each time
 * for the state of that moment.
 */
export class Beats {
  readonly #bus: GuardBus;
  readonly #beat: () => GuardBeat;
  #timer: NodeJS.Timeout | undefined;
  #hello: { stop(): void } | undefined;

  constructor(bus: GuardBus, beat: () => GuardBeat) {
    this.#bus = bus;
    this.#beat = beat;
  }

  start(): void {
    this.#hello = this.#bus.subscribe(helloSubject, () => this.now());
    this.#bus.onReconnect?.(() => this.now());
    this.#timer = setInterval(() => this.now(), beatMs);
    this.now();
  }

  now(): void {
    if (this.#hello !== undefined) this.#bus.publish(beatSubject, encode(GuardBeat, this.#beat()));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#hello?.stop();
    this.#hello = undefined;
  }
}
