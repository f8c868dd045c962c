import { setTimeout as pause } from 'node:timers/promises';
import type { Status } from '@tollgate/testing/system';
import { until } from '../../support/until.ts';
import type { Installation } from '../installation/installation.ts';
import type { UsageStream } from '../installation/usage-stream.ts';
import { longPlan, probePlan } from '../plan/request-plan.ts';
import { engines, type Step, stepText, type Victim } from '../plan/schedule.ts';
import { call, type Outcome } from './caller.ts';

/** From the step until callers were served again. */
export interface Disturbance {
  what: string;
  /** What got SIGKILL. */
  killed: readonly Victim[];
  fromMs: number;
  untilMs: number;
}

/** What is not there again by then has not recovered. */
const recoveryMsMax = 90_000;
/** A status asks every service, which is work on a machine that has enough of it. */
const askEveryMs = 250;

/** Carries out a schedule, one step after the other, and sees to it that callers are served again before the next. */
export class Disturber {
  readonly disturbances: Disturbance[] = [];
  readonly #outcomes: Outcome[] = [];
  readonly #installation: Installation;
  readonly #usage: UsageStream;
  readonly #seed: number;
  readonly #say: (line: string) => void;
  #long: Promise<Outcome>[] = [];
  #longs = 0;
  #probes = 0;

  constructor(installation: Installation, usage: UsageStream, seed: number, say: (line: string) => void) {
    this.#installation = installation;
    this.#usage = usage;
    this.#seed = seed;
    this.#say = say;
  }

  /** @throws Error when the system does not recover from a step */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await pause(step.gapMs);
      const fromMs = Date.now();
      const what = stepText(step);
      const killed = await this.#do(step);
      if (step.do === 'kill' || step.do === 'ledger-away' || step.do === 'usage-full') await this.#untilServed();
      const untilMs = Date.now();
      this.disturbances.push({ what, killed, fromMs, untilMs });
      this.#say(`${what}: ${((untilMs - fromMs) / 1000).toFixed(1)} s`);
    }
  }

  /** Every answer to a request that it sent itself, once all have ended. */
  async end(): Promise<Outcome[]> {
    await this.#awaitLong();
    return this.#outcomes;
  }

  async #do(step: Step): Promise<Victim[]> {
    switch (step.do) {
      case 'kill':
        await this.#kill(step.victim);
        return [step.victim];
      case 'ledger-away':
        return this.#ledgerAway(step.ms);
      case 'usage-full':
        await this.#usage.fill();
        await pause(step.ms);
        await this.#usage.empty();
        return [];
      case 'redeliver':
        await this.#redeliver(step.messages);
        return [];
      case 'long-streams':
        for (let count = 0; count < step.streams; count++)
          this.#long.push(call(this.#installation, longPlan(this.#seed, this.#longs++)));
        return [];
      case 'await-long-streams':
        await this.#awaitLong();
        return [];
    }
  }

  async #awaitLong(): Promise<void> {
    this.#outcomes.push(...(await Promise.all(this.#long)));
    this.#long = [];
  }

  /** SIGKILL by the pid that the status gives; resolves when another process is ready. */
  async #kill(victim: Victim): Promise<void> {
    const pid = await this.#sigkill(victim);
    await until(
      `another ${victim}`,
      async () => {
        const found = processOf(await this.#installation.system.status(), victim);
        return (found?.ready && found.pid !== pid) || undefined;
      },
      recoveryMsMax,
      askEveryMs,
    );
  }

  async #sigkill(victim: Victim): Promise<number> {
    const pid = await until(
      `a process of ${victim}`,
      async () => processOf(await this.#installation.system.status(), victim)?.pid ?? undefined,
      recoveryMsMax,
      askEveryMs,
    );
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  async #ledgerAway(ms: number): Promise<Victim[]> {
    const { system } = this.#installation;
    await this.#sigkill('clickhouse');
    await system.control('POST', '/engines/clickhouse/stop');
    await pause(ms / 2);
    await this.#sigkill('analytics');
    await pause(ms / 2);
    await system.control('POST', '/engines/clickhouse/start');
    return ['clickhouse', 'analytics'];
  }

  async #redeliver(messages: number): Promise<void> {
    const newest = await this.#usage.read(Math.max(1, (await this.#usage.lastSeq()) - messages + 1));
    const events = newest.filter(({ repeated }) => !repeated).map(({ event }) => event);
    await this.#usage.publish(events, 3);
  }

  /** Everything says that it is ready, and a caller gets a whole answer. */
  async #untilServed(): Promise<void> {
    const { system } = this.#installation;
    let last = '';
    const recovered = async () => {
      const { services, engines: stores } = await system.status();
      const notReady = [...services, ...stores].filter(({ ready }) => !ready).map(({ name }) => name);
      last = `not ready: ${notReady.join(', ')}`;
      if (notReady.length > 0) return undefined;
      const outcome = await call(this.#installation, probePlan(this.#seed, this.#probes++));
      this.#outcomes.push(outcome);
      last = `a caller got: ${outcome.end} ${outcome.status} ${outcome.code}`;
      return outcome.end === 'whole' || undefined;
    };
    await until('everything ready and a caller served', recovered, recoveryMsMax, askEveryMs).catch((error: Error) => {
      throw new Error(`${error.message}; ${last}`);
    });
  }
}

function processOf(status: Status, victim: Victim): { pid: number | null; ready: boolean } | undefined {
  const isEngine = engines.some((engine) => engine === victim);
  return (isEngine ? status.engines : status.services).find(({ name }) => name === victim);
}
