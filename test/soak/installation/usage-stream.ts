import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { UsageBatch, type UsageEvent } from '@tollgate/contracts';
import { organization } from './configuration.ts';

const stream = 'USAGE';
const subject = `tg.v1.usage.${organization}`;

/** One event as it stands in USAGE. */
export interface StreamedEvent {
  event: UsageEvent;
  /** Sequence of its message. */
  seq: number;
  /** Published by this run again. */
  repeated: boolean;
}

const repeater = 'soak-repeater';

/** The stream of usage as its operator sees it. It outlives restarts of NATS. */
export class UsageStream {
  readonly #nc: NatsConnection;

  private constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /** @param url with the credentials of a user who may do everything */
  static async open(url: string): Promise<UsageStream> {
    const { protocol, host, username, password } = new URL(url);
    return new UsageStream(
      await connect({
        servers: `${protocol}//${host}`,
        user: username,
        pass: password,
        reconnectTimeWait: 200,
        maxReconnectAttempts: -1,
      }),
    );
  }

  async close(): Promise<void> {
    await this.#nc.close();
  }

  /** Everything that stands in the stream, in order. */
  async read(fromSeq = 1): Promise<StreamedEvent[]> {
    const { state } = await (await this.#manager()).streams.info(stream);
    const read: StreamedEvent[] = [];
    if (state.last_seq < fromSeq) return read;
    const consumer = await jetstream(this.#nc).consumers.get(stream, {
      opt_start_seq: fromSeq,
      deliver_policy: 'by_start_sequence',
    });
    const messages = await consumer.consume({ max_messages: 500 });
    for await (const { seq, data, info } of messages) {
      const { events, replica } = UsageBatch.decode(data);
      for (const event of events) read.push({ event, seq, repeated: replica === repeater });
      if (seq >= state.last_seq || info.pending === 0) break;
    }
    return read;
  }

  async lastSeq(): Promise<number> {
    return (await (await this.#manager()).streams.info(stream)).state.last_seq;
  }

  /** Messages that this durable consumer has not acknowledged. */
  async pending(durable: 'ledger' | 'settle'): Promise<number> {
    const { num_pending, num_ack_pending } = await (await this.#manager()).consumers.info(stream, durable);
    return num_pending + num_ack_pending;
  }

  /**
   * Publishes events again, `size` in a message and without the ids by which JetStream knows repeats: what consumers read when a
   * publisher's acknowledgement was lost for longer than JetStream remembers.
   */
  async publish(events: readonly UsageEvent[], size: number): Promise<void> {
    for (let at = 0; at < events.length; at += size) {
      const batch = { batchId: `${repeater}-${at}`, replica: repeater, events: events.slice(at, at + size) };
      await jetstream(this.#nc).publish(subject, UsageBatch.encode(batch).finish());
    }
  }

  /** From here on the stream refuses what is published, as one does that has no room. */
  async fill(): Promise<void> {
    const manager = await this.#manager();
    const { config, state } = await manager.streams.info(stream);
    await manager.streams.update(stream, { ...config, max_msgs: Math.max(1, state.messages) });
  }

  async empty(): Promise<void> {
    const manager = await this.#manager();
    const { config } = await manager.streams.info(stream);
    await manager.streams.update(stream, { ...config, max_msgs: -1 });
  }

  #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.#nc, { checkAPI: false });
  }
}
