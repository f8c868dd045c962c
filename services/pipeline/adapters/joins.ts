import { setTimeout as wait } from 'node:timers/promises';
import { type Bus, subjects } from '@tollgate/bus';
import { encode, IdempotencyOwner } from '@tollgate/contracts';
import { toErrorDetail } from '@tollgate/errors';

/** An owner answers within a turn of its event loop. */
const answerMsMax = 1000;
/** Requests of one team that wait here at once: no limit of the team counts them, and others need the room. */
const waitingMax = 100;

/** What requests that wait for another one's call have to know. */
export class Joins {
  readonly #bus: Bus;
  readonly #waiting = new Map<string, number>();
  /** This replica stops: nobody may wait here any more. */
  stopping = false;

  /** @param owns whether this replica owns a request at this moment */
  constructor(bus: Bus, owns: (requestId: string) => boolean) {
    this.#bus = bus;
    bus.subscribe(subjects.idempotencyOwner, (bytes, reply) => {
      if (owns(IdempotencyOwner.decode(bytes).requestId)) bus.reply(reply, owned);
    });
  }

  /** False: so many of the team wait already. */
  enter(teamId: string): boolean {
    const waiting = this.#waiting.get(teamId) ?? 0;
    if (waiting >= waitingMax) return false;
    this.#waiting.set(teamId, waiting + 1);
    return true;
  }

  leave(teamId: string): void {
    const waiting = this.#waiting.get(teamId) ?? 0;
    if (waiting > 1) this.#waiting.set(teamId, waiting - 1);
    else this.#waiting.delete(teamId);
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }

  wait(ms: number): Promise<void> {
    return wait(ms);
  }

  /** Whether some replica owns it; undefined: NATS is away, so nobody can say. */
  async owned(requestId: string): Promise<boolean | undefined> {
    try {
      await this.#bus.request(subjects.idempotencyOwner, encode(IdempotencyOwner, { requestId }), answerMsMax);
      return true;
    } catch (error) {
      return toErrorDetail(error).code === 'bus_unavailable' ? undefined : false;
    }
  }
}

const owned = Uint8Array.of(1);
