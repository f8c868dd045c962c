import {
  AckPolicy,
  type Consumer,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { BackgroundJob, encode, UsageBatch, type UsageEvent } from '@tollgate/contracts';
import { backgroundConsumer, backgroundQueueStream, backgroundStream, subjects } from '../subjects.ts';

/** What stands at one place of a record. */
export interface Kept {
  /** Stream sequence: who replaces it says which one. */
  seq: number;
  bytes: Uint8Array;
}

/** One message of a record as it is followed. */
export interface BackgroundRecord {
  part: string;
  bytes: Uint8Array;
}

/** A job that this replica holds: nobody else gets it while working() is said every 10 s. */
export interface BackgroundMessage {
  job: BackgroundJob;
  /** It was given to somebody before. */
  redelivered: boolean;
  working(): void;
  /** It is over and leaves the queue. @throws Error when JetStream does not say so within 2 s */
  done(): Promise<void>;
  /** To another replica, or to this one later. */
  giveBack(afterMs: number): void;
}

export interface BackgroundUse {
  /** Requests that wait or run. */
  queued: number;
  queueMax: number;
  bytes: number;
  bytesMax: number;
}

/** JetStream's error: another message stands there by now. */
const wrongLastSequence = 10_071;
const acknowledgedWithinMs = 2000;
/** Without a sign of its holder for this long a job is given to another replica. */
const ackWaitMs = 30_000;
/** As many as a queue may have by any configuration: it is the queue that is bounded. */
const heldMax = 100_000;

/**
 * Requests in the background at rest: a work queue of their ids, and a record of each (docs/adr/0015-background-responses.md). Both are
 * bounded and forget; their messages are replaced, never changed.
 */
export class BackgroundStore {
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  #jsm: Promise<JetStreamManager> | undefined;
  #consumer: Promise<Consumer> | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#js = jetstream(nc);
  }

  /**
   * Writes to a place of a record, whatever stood there. Returns the stream sequence.
   * @throws Error when JetStream does not say so within 2 s, or is full
   */
  async put(requestId: string, part: string, bytes: Uint8Array): Promise<number> {
    const subject = subjects.backgroundRecord(requestId, part);
    return (await this.#js.publish(subject, bytes, { timeout: acknowledgedWithinMs })).seq;
  }

  /**
   * Writes to a place only if nothing new stands there since `seq` (0: nothing at all). Undefined: something does.
   * @throws Error when JetStream does not say so within 2 s, or is full
   */
  async replace(requestId: string, part: string, bytes: Uint8Array, seq: number): Promise<number | undefined> {
    const subject = subjects.backgroundRecord(requestId, part);
    try {
      const expect = { lastSubjectSequence: seq };
      return (await this.#js.publish(subject, bytes, { expect, timeout: acknowledgedWithinMs })).seq;
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === wrongLastSequence)) throw error;
      // It may be our own, written by a publish whose acknowledgement was lost.
      const there = await this.get(requestId, part);
      return there && Buffer.compare(there.bytes, bytes) === 0 ? there.seq : undefined;
    }
  }

  /** What stands at a place of a record; the last of several where `part` ends with `*`. */
  async get(requestId: string, part: string): Promise<Kept | undefined> {
    const jsm = await this.#manager();
    const message = await jsm.streams.getMessage(backgroundStream, {
      last_by_subj: subjects.backgroundRecord(requestId, part),
    });
    return message ? { seq: message.seq, bytes: message.data } : undefined;
  }

  /** Everything of a record goes. */
  async purge(requestId: string): Promise<void> {
    const jsm = await this.#manager();
    await jsm.streams.purge(backgroundStream, { filter: subjects.backgroundRecord(requestId, '>') });
  }

  /**
   * What stands at these places of a record, in the order in which it was written, and then what is written there, until
   * `signal` ends it. Restarts of NATS are waited for.
   */
  async *follow(requestId: string, parts: readonly string[], signal: AbortSignal): AsyncGenerator<BackgroundRecord> {
    const prefix = subjects.backgroundRecord(requestId, '');
    const consumer = await this.#js.consumers.get(backgroundStream, {
      filter_subjects: parts.map((part) => `${prefix}${part}`),
      deliver_policy: DeliverPolicy.All,
    });
    const messages = await consumer.consume({ max_messages: 64, idle_heartbeat: 2000, expires: 10_000 });
    const stop = () => void messages.close();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const { subject, data } of messages) {
        yield { part: subject.slice(prefix.length), bytes: data };
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await messages.close();
      // The server would keep it for minutes.
      await consumer.delete().catch(() => undefined);
    }
  }

  /** @throws Error when the queue is full, or JetStream does not acknowledge within 2 s */
  async enqueue(job: BackgroundJob): Promise<void> {
    const options = { msgID: job.requestId, timeout: acknowledgedWithinMs };
    await this.#js.publish(subjects.backgroundQueue, encode(BackgroundJob, job), options);
  }

  /**
   * Writes the row of a run that is over into USAGE. Whoever meets its end may do so again: JetStream takes it once, and the ledger
   * too.
   * @throws Error when JetStream does not say so within 2 s, or is full; TypeError for a row without a receipt
   */
  async publishRow(row: UsageEvent, replica: string): Promise<void> {
    const { receipt } = row;
    if (!receipt) throw new TypeError('a usage event without a receipt cannot be accounted for');
    const batchId = `background-${receipt.requestId}`;
    const options = { msgID: batchId, timeout: acknowledgedWithinMs };
    const batch = encode(UsageBatch, { batchId, replica, events: [row] });
    await this.#js.publish(subjects.usage(receipt.organizationId), batch, options);
  }

  /** The next job; undefined when there was none for so long. @throws Error when JetStream is away */
  async next(waitMs: number): Promise<BackgroundMessage | undefined> {
    try {
      this.#consumer ??= this.#ensureConsumer();
      const message = await (await this.#consumer).next({ expires: waitMs });
      return message ? asMessage(message) : undefined;
    } catch (error) {
      this.#consumer = undefined;
      throw error;
    }
  }

  /** The jobs that wait or run, at most `max`, oldest first. They stay where they are. */
  async jobs(max: number): Promise<BackgroundJob[]> {
    const jsm = await this.#manager();
    const jobs: BackgroundJob[] = [];
    const { state } = await jsm.streams.info(backgroundQueueStream);
    for (let seq = state.first_seq; seq <= state.last_seq && jobs.length < max; ) {
      const query = { seq, next_by_subj: subjects.backgroundQueue };
      const message = await jsm.direct.getMessage(backgroundQueueStream, query);
      if (!message) break;
      jobs.push(BackgroundJob.decode(message.data));
      seq = message.seq + 1;
    }
    return jobs;
  }

  async use(): Promise<BackgroundUse> {
    const jsm = await this.#manager();
    const [queue, kept] = await Promise.all([
      jsm.streams.info(backgroundQueueStream),
      jsm.streams.info(backgroundStream),
    ]);
    return {
      queued: queue.state.messages,
      queueMax: queue.config.max_msgs,
      bytes: kept.state.bytes,
      bytesMax: kept.config.max_bytes,
    };
  }

  #manager(): Promise<JetStreamManager> {
    this.#jsm ??= jetstreamManager(this.#nc, { checkAPI: false });
    return this.#jsm;
  }

  async #ensureConsumer(): Promise<Consumer> {
    const jsm = await this.#manager();
    const options = { ack_wait: ackWaitMs * 1e6, max_ack_pending: heldMax, max_deliver: -1 };
    const known = await jsm.consumers.info(backgroundQueueStream, backgroundConsumer).catch(() => undefined);
    if (!known) {
      await jsm.consumers.add(backgroundQueueStream, {
        durable_name: backgroundConsumer,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        ...options,
      });
    }
    return this.#js.consumers.get(backgroundQueueStream, backgroundConsumer);
  }
}

function asMessage(message: JsMsg): BackgroundMessage {
  return {
    job: BackgroundJob.decode(message.data),
    redelivered: message.redelivered,
    working: () => message.working(),
    async done() {
      if (!(await message.ackAck({ timeout: acknowledgedWithinMs })))
        throw new Error('JetStream did not acknowledge the end of a job');
    },
    giveBack: (afterMs) => message.nak(afterMs),
  };
}
