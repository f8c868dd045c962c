import { Acceptance, acceptWithinMs, type Bus, payloadBytesMax, subjects } from '@tollgate/bus';
import { Dispatch, type Entry, encode, type Target } from '@tollgate/contracts';
import type { Run } from '../handlers/run.ts';

/** Providers that serve each other's rests must not pass a request around in a circle. */
export const hopsMax = 4;
/** Room for everything in a dispatch but its body. */
const draftBytes = 16 * 1024;
const noBody = new Uint8Array(0);

interface Pending {
  run: Run;
  settle(passedOn: boolean): void;
}

/** Passes the rest of a target list to an upstream that serves its next provider; ownership goes with the acceptance. */
export class HandOn {
  readonly #bus: Bus;
  readonly #acceptance = new Acceptance();
  readonly #pending = new Map<string, Pending>();

  constructor(bus: Bus) {
    this.#bus = bus;
    bus.onNoResponders((requestId) => this.#settle(requestId, false));
    bus.onDispatchReply((entry) => this.#reply(entry));
  }

  /** @returns whether somebody else owns the request now; false within a second when nobody took it */
  pass(run: Run, rest: { targets: Target[]; attemptsMax: number }): Promise<boolean> {
    const { dispatch, body, requestId } = run;
    const [next] = rest.targets;
    if (!next || dispatch.hops >= hopsMax) return Promise.resolve(false);
    const message = encode(Dispatch, {
      ...dispatch,
      ...rest,
      hops: dispatch.hops + 1,
      acceptByMs: Date.now() + acceptWithinMs,
      pipelineInbox: this.#bus.inbox,
      usage: run.row,
      bodyBytes: body.length,
      body: body.length <= payloadBytesMax - draftBytes ? body : noBody,
    });
    return new Promise((settle) => {
      this.#pending.set(requestId, { run, settle });
      this.#acceptance.add(requestId, () => this.#settle(requestId, false));
      if (!this.#bus.offer(subjects.dispatch(next.provider), message, requestId)) this.#settle(requestId, false);
    });
  }

  #reply({ requestId, body }: Entry): void {
    const pending = this.#pending.get(requestId);
    if (body?.$case === 'rejected') this.#settle(requestId, false);
    if (body?.$case !== 'accepted') return;
    const owner = body.value.controlSubject;
    const stopped = pending?.run.stopped;
    if (!pending || stopped) {
      // Too late, or the caller left meanwhile: the new owner must not go on alone.
      const cancel = { reason: stopped || 'superseded' };
      this.#bus.mailbox.send(owner, { requestId, body: { $case: 'cancel', value: cancel } });
    } else if (pending.run.body.length > payloadBytesMax - draftBytes) {
      this.#bus.bodies.send(requestId, pending.run.body, owner);
    }
    this.#settle(requestId, true);
  }

  #settle(requestId: string, passedOn: boolean): void {
    this.#acceptance.delete(requestId);
    const pending = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    pending?.settle(passedOn);
  }
}
