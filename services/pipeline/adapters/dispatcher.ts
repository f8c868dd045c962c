import { Acceptance, acceptWithinMs, type Bus, payloadBytesMax, subjects } from '@tollgate/bus';
import { Dispatch, type Entry, type ErrorDetail, encode, Reclaim } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';

/** How long the owner of a first dispatch has to say so before there is a second. */
const reclaimWaitMs = 250;
/** Nobody serves the provider at this moment: a restarting replica takes about so long. */
const retryAfterMs = 100;

export type DispatchResult = { accepted: true; owner: string } | { accepted: false; error: ErrorDetail };

interface Pending {
  dispatch: Dispatch;
  body: Uint8Array;
  subject: string;
  givenUpAtMs: number;
  settle(result: DispatchResult): void;
}

/** Seconds of requests at full speed; a reclaim is answered within one. */
const ownersMax = 10_000;

const noBody = new Uint8Array(0);
/** Larger bodies follow in parts: what else a dispatch carries (texts, metadata) must fit beside it. */
const inlineBytesMax = payloadBytesMax - 64 * 1024;

/**
 * Hands requests to upstream and waits until one owns them: tries a second time when nobody accepted the first within
 * a second, but only after every upstream has disowned it, so that a provider is never called twice.
 */
export class Dispatcher {
  readonly #bus: Bus;
  readonly #acceptance = new Acceptance();
  readonly #pending = new Map<string, Pending>();
  /** The owner says so again when it is asked by a reclaim: that is no second one. The latest accepted only. */
  readonly #owners = new Map<string, string>();

  constructor(bus: Bus) {
    this.#bus = bus;
    bus.onNoResponders((requestId) => this.#nobodyThere(requestId));
    bus.onDispatchReply((entry) => this.#reply(entry));
  }

  /** `body` travels inside the message or, when it is larger, in parts to the owner. */
  dispatch(
    draft: Omit<Dispatch, 'dispatch' | 'acceptByMs' | 'body' | 'bodyBytes'>,
    body: Uint8Array,
  ): Promise<DispatchResult> {
    return new Promise((settle) => {
      const provider = draft.targets[0]?.provider ?? '';
      const inline = body.length <= inlineBytesMax ? body : noBody;
      const dispatch: Dispatch = { ...draft, dispatch: 1, acceptByMs: 0, bodyBytes: body.length, body: inline };
      const givenUpAtMs = Date.now() + acceptWithinMs;
      this.#pending.set(draft.requestId, { dispatch, body, subject: subjects.dispatch(provider), givenUpAtMs, settle });
      this.#offer(draft.requestId);
    });
  }

  #offer(requestId: string): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return;
    pending.dispatch.acceptByMs = Date.now() + acceptWithinMs;
    this.#acceptance.add(requestId, () => this.#late(requestId));
    try {
      const sent = this.#bus.offer(pending.subject, encode(Dispatch, pending.dispatch), requestId);
      if (!sent) this.#fail(requestId, new TollgateError('bus_unavailable', { retryAfterMs: 1000 }));
    } catch (error) {
      this.#settle(requestId, { accepted: false, error: toErrorDetail(error) });
    }
  }

  #reply({ requestId, body }: Entry): void {
    const pending = this.#pending.get(requestId);
    if (body?.$case === 'accepted') {
      if (pending) this.#accepted(requestId, pending, body.value.controlSubject);
      else if (this.#owners.get(requestId) !== body.value.controlSubject) {
        this.#supersede(requestId, body.value.controlSubject);
      }
    } else if (body?.$case === 'rejected' && pending && body.value.dispatch === pending.dispatch.dispatch) {
      this.#acceptance.delete(requestId);
      // Rejected means that it holds nothing: another replica may be asked at once, one time.
      if (pending.dispatch.dispatch === 1) this.#again(requestId, pending);
      else
        this.#settle(requestId, { accepted: false, error: body.value.error ?? toErrorDetail(overloaded('rejected')) });
    }
  }

  #accepted(requestId: string, pending: Pending, owner: string): void {
    if (pending.dispatch.body.length < pending.body.length) this.#bus.bodies.send(requestId, pending.body, owner);
    this.#owners.set(requestId, owner);
    if (this.#owners.size > ownersMax) this.#owners.delete(this.#owners.keys().next().value ?? '');
    this.#settle(requestId, { accepted: true, owner });
  }

  /** Somebody accepts what was given up or accepted by another: it must not go on. */
  #supersede(requestId: string, owner: string): void {
    this.#bus.mailbox.send(owner, { requestId, body: { $case: 'cancel', value: { reason: 'superseded' } } });
  }

  #late(requestId: string): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return;
    if (pending.dispatch.dispatch !== 1) {
      this.#fail(requestId, overloaded('no upstream accepted the second dispatch'));
      return;
    }
    const reclaim = encode(Reclaim, { requestId, pipelineInbox: this.#bus.inbox });
    this.#bus.publish(subjects.reclaim, reclaim);
    setTimeout(() => {
      const waiting = this.#pending.get(requestId);
      if (waiting) this.#again(requestId, waiting);
    }, reclaimWaitMs);
  }

  #again(requestId: string, pending: Pending): void {
    pending.dispatch.dispatch = 2;
    this.#offer(requestId);
  }

  /** NATS delivered it to nobody, so nothing can have been called: offer the same again until the second is over. */
  #nobodyThere(requestId: string): void {
    const pending = this.#pending.get(requestId);
    if (!pending) return;
    this.#acceptance.delete(requestId);
    if (Date.now() + retryAfterMs > pending.givenUpAtMs) this.#fail(requestId, overloaded('no upstream is there'));
    else setTimeout(() => this.#offer(requestId), retryAfterMs);
  }

  #fail(requestId: string, error: TollgateError): void {
    this.#settle(requestId, { accepted: false, error: toErrorDetail(error) });
  }

  #settle(requestId: string, result: DispatchResult): void {
    this.#acceptance.delete(requestId);
    const pending = this.#pending.get(requestId);
    this.#pending.delete(requestId);
    pending?.settle(result);
  }
}

function overloaded(internal: string): TollgateError {
  return new TollgateError('overloaded', { retryAfterMs: 1000, internal });
}
