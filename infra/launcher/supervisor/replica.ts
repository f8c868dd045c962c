import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { ManagedProcess, type ManagedProcessEvent } from '@tollgate/engines';
import type { ReadyMessage } from '@tollgate/lifecycle';
import { nodeFlags } from './node-flags.ts';

const readyMsMax = 60_000;
/** Services end by themselves within 15 s (TOLLGATE_STOP_TIMEOUT_MS); what has not by then hangs. */
const stopMsMax = 17_000;
const readinessMsMax = 1_000;

export interface ReplicaOptions {
  service: string;
  /** `guard-pii-1` */
  name: string;
  home: string;
  /** The services in it, where it is not one alone. */
  members?: readonly string[];
  /** The program that Node runs. */
  file: string;
  environment: () => NodeJS.ProcessEnv;
  onEvent?: (event: ManagedProcessEvent) => void;
}

export interface ReplicaStatus {
  name: string;
  replica: string;
  pid: number | null;
  ready: boolean;
  address: string | null;
  health: string | null;
  restarts: number;
}

/** One process of one service. */
export class Replica {
  readonly service: string;
  readonly name: string;
  readonly members: readonly string[];
  readonly process: ManagedProcess;
  #address: string | undefined;
  #health: string | undefined;
  #addresses = new Map<string, string | undefined>();

  constructor({ service, name, members = [], home, file, environment, onEvent }: ReplicaOptions) {
    this.service = service;
    this.name = name;
    this.members = members;
    this.process = new ManagedProcess({
      name,
      home,
      logFile: path.join(home, 'logs', `${name}.log`),
      plan: () => ({
        command: [process.execPath, ...nodeFlags(), file],
        env: environment(),
        ipc: true,
      }),
      waitReady: (child, signal) => this.#readyMessage(child, signal),
      readyMsMax,
      stopMsMax,
      supervised: true,
      onEvent,
    });
  }

  /** Whether it says of itself that it takes work (`/readyz`). False while it is starting or does not answer. */
  async isReady(): Promise<boolean> {
    if (!this.process.ready) return false;
    // A program without a health address (the simulator) is ready once it has said so.
    if (!this.#health) return true;
    try {
      const answer = await fetch(`${this.#health}/readyz`, { signal: AbortSignal.timeout(readinessMsMax) });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }

  get address(): string | undefined {
    return this.process.ready ? this.#address : undefined;
  }

  /** One for each service in it. */
  async status(): Promise<ReplicaStatus[]> {
    const ready = await this.isReady();
    const { pid = null, restarts } = this.process;
    const health = (this.process.ready ? this.#health : undefined) ?? null;
    if (this.members.length === 0) {
      return [{ name: this.service, replica: this.name, pid, ready, address: this.address ?? null, health, restarts }];
    }
    return this.members.map((name) => {
      const address = (this.process.ready ? this.#addresses.get(name) : undefined) ?? null;
      return { name, replica: this.memberName(name), pid, ready, address, health, restarts };
    });
  }

  /** `guard-pii-1` of `guard-auth+guard-pii-1`. */
  memberName(member: string): string {
    return member + this.name.slice(this.service.length);
  }

  #readyMessage(child: ChildProcess, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const listen = (message: unknown) => {
        const { type, address, health, members = [] } = (message ?? {}) as Partial<ReadyMessage>;
        if (type !== 'ready') return;
        this.#addresses = new Map(members.map((member) => [member.name, member.address]));
        this.#address = address;
        this.#health = health;
        resolve();
      };
      child.on('message', listen);
      signal.addEventListener('abort', () => child.off('message', listen), { once: true });
    });
  }
}
