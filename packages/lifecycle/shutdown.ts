import type { Logger } from '@tollgate/telemetry';
import { within } from './within.ts';

interface Step {
  name: string;
  run: () => unknown;
}

interface Drain extends Step {
  stage: number;
}

export interface ShutdownOptions {
  logger: Logger;
  /** For drains and closes together, ms. */
  timeoutMs: number;
  now: () => number;
}

/** Drains get this share of the whole, so that closes, which flush, always have some. */
const DRAIN_SHARE = 2 / 3;

/** One stage of drains may use this share of what is left for them, so that a hanging one leaves some for those after it. */
const STAGE_SHARE = 2 / 3;

/** One close may use this share of what is left then, so that a hanging one leaves some for those after it. */
const CLOSE_SHARE = 1 / 2;

/** What is open, in the order in which it was opened. */
export class Shutdown {
  readonly #options: ShutdownOptions;
  readonly #closes: Step[] = [];
  readonly #drains: Drain[] = [];
  #endsAtMs: number | undefined;
  #clean = true;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Those of a stage start together, when the stages before it are done. */
  drain(name: string, run: () => unknown, stage = 0): void {
    if (this.#endsAtMs === undefined) this.#drains.push({ name, run, stage });
  }

  /** What is opened while the stop runs is closed by the same loop. */
  defer(name: string, run: () => unknown): void {
    this.#closes.push({ name, run });
  }

  /** Runs once. @returns whether all drains and closes ended well and in time */
  async run(): Promise<boolean> {
    const { timeoutMs, now } = this.#options;
    this.#endsAtMs = now() + timeoutMs;
    await this.#drainAll(now() + timeoutMs * DRAIN_SHARE);
    for (let step = this.#closes.pop(); step !== undefined; step = this.#closes.pop()) {
      const leftMs = this.#endsAtMs - now();
      await this.#bounded('close', step, Math.max(leftMs * CLOSE_SHARE, 0));
    }
    return this.#clean;
  }

  async #drainAll(endsAtMs: number): Promise<void> {
    const stages = [...new Set(this.#drains.map(({ stage }) => stage))].sort((left, right) => left - right);
    for (const [index, stage] of stages.entries()) {
      const leftMs = endsAtMs - this.#options.now();
      const timeoutMs = index === stages.length - 1 ? leftMs : leftMs * STAGE_SHARE;
      const steps = this.#drains.filter((step) => step.stage === stage);
      await Promise.all(steps.map((step) => this.#bounded('drain', step, Math.max(timeoutMs, 0))));
    }
  }

  async #bounded(kind: string, step: Step, timeoutMs: number): Promise<void> {
    const startedAtMs = this.#options.now();
    try {
      await within(`${kind} of ${step.name}`, Math.round(timeoutMs), Promise.resolve().then(step.run));
      this.#options.logger.debug({ [kind]: step.name, tookMs: this.#options.now() - startedAtMs }, 'stopped');
    } catch (error) {
      this.#clean = false;
      this.#options.logger.error({ err: error, [kind]: step.name }, 'did not stop well');
    }
  }
}
