import type { ManagedProcessEvent } from '@tollgate/engines';
import { replicasMax, type ServiceKind } from '../services.ts';
import { Replica, type ReplicaStatus } from './replica.ts';

export interface SupervisorOptions {
  home: string;
  kinds: readonly ServiceKind[];
  /** The program of a process. */
  fileOf: (kind: ServiceKind) => string;
  environmentOf: (kind: ServiceKind, replica: string) => NodeJS.ProcessEnv;
  onEvent?: (event: ManagedProcessEvent) => void;
}

/** A request that names something that is not there, or asks for what cannot be. */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError';
}

/** All replicas of all services: starts, scales, restarts and stops them. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #replicas = new Map<string, Replica>();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** One replica of every service. Resolves when all of them have started; rejects with the first that did not. */
  async start(): Promise<void> {
    await Promise.all(this.#options.kinds.map((kind) => this.#add(kind)));
  }

  /** Resolves when the replicas of a service that were asked for have started. */
  async started(service: string): Promise<void> {
    await Promise.all(this.of(service).map(({ process }) => process.start()));
  }

  /** Every replica, in the order of the catalogue. */
  status(): Promise<ReplicaStatus[]> {
    const all = this.#options.kinds.flatMap(({ name }) => this.of(name)).map((replica) => replica.status());
    return Promise.all(all).then((statuses) => statuses.flat());
  }

  of(service: string): Replica[] {
    return [...this.#replicas.values()].filter((replica) => replica.service === service);
  }

  replica(name: string): Replica {
    const runsIn = (replica: Replica) => replica.members.some((member) => replica.memberName(member) === name);
    const found = this.#replicas.get(name) ?? [...this.#replicas.values()].find(runsIn);
    if (!found) throw new SupervisorError(`There is no replica ${name}: ${[...this.#replicas.keys()].join(', ')}`);
    return found;
  }

  /**
   * Brings a service to `count` replicas: new ones are started, the youngest are drained and ended. Resolves when that
   * is done. Throws a SupervisorError for a service with fixed ports that cannot be shared, one that shares a process, an unknown one, or a count out
   * of bounds.
   */
  async scale(service: string, count: number): Promise<void> {
    const kind = this.#options.kinds.find(({ name }) => name === service);
    const shared = this.#options.kinds.find(({ members }) => members?.some(({ name }) => name === service));
    if (shared) {
      const way = shared.scalable ? `scale ${shared.name}` : 'with one that listens on a fixed port';
      throw new SupervisorError(`${service} shares a process (TOLLGATE_TOGETHER): ${way}.`);
    }
    if (!kind)
      throw new SupervisorError(
        `There is no service ${service}: ${this.#options.kinds.map(({ name }) => name).join(', ')}`,
      );
    if (!Number.isInteger(count) || count < 1 || count > replicasMax)
      throw new SupervisorError(`A service has 1 to ${replicasMax} replicas, not ${count}.`);
    if (!kind.scalable && count !== 1)
      throw new SupervisorError(`${service} listens on a fixed port, which only Linux shares: one replica a machine.`);
    const present = this.of(service);
    const surplus = present.slice(count);
    await Promise.all([
      ...surplus.map(async (replica) => {
        await replica.process.stop();
        this.#replicas.delete(replica.name);
      }),
      ...Array.from({ length: Math.max(0, count - present.length) }, () => this.#add(kind)),
    ]);
  }

  /** Drains and ends all of a service's replicas, then starts them with what their environment is now. */
  async restart(service: string): Promise<void> {
    await Promise.all(
      this.of(service).map(async ({ process }) => {
        await process.stop();
        await process.start();
      }),
    );
  }

  /** Stops everything, group by group. With `now` by SIGKILL at once. */
  async stop({ now = false } = {}): Promise<void> {
    this.#stopping = true;
    const groups = [...new Set(this.#options.kinds.map(({ stopGroup }) => stopGroup))].sort(
      (left, right) => left - right,
    );
    for (const group of groups) {
      const members = this.#options.kinds
        .filter(({ stopGroup }) => stopGroup === group)
        .flatMap(({ name }) => this.of(name));
      await Promise.all(members.map(({ process }) => process.stop({ now })));
    }
    this.#replicas.clear();
  }

  async #add(kind: ServiceKind): Promise<void> {
    if (this.#stopping) throw new SupervisorError('Tollgate is stopping.');
    const replica = new Replica({
      service: kind.name,
      name: this.#freeName(kind.name),
      members: kind.members?.map(({ name }) => name),
      home: this.#options.home,
      file: this.#options.fileOf(kind),
      environment: () => this.#options.environmentOf(kind, replica.name),
      onEvent: this.#options.onEvent,
    });
    this.#replicas.set(replica.name, replica);
    await replica.process.start();
  }

  #freeName(service: string): string {
    for (let number = 1; ; number += 1) {
      const name = `${service}-${number}`;
      if (!this.#replicas.has(name)) return name;
    }
  }
}
