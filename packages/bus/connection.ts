import { headers, type NatsConnection } from '@nats-io/nats-core';
import type { Entry, LimitEvent } from '@tollgate/contracts';
import type { Logger, Metrics } from '@tollgate/telemetry';
import { AwaitedAnswers } from './answers/awaited.ts';
import { OwnedAnswers } from './answers/owned.ts';
import { BackgroundStore } from './background/store.ts';
import type { BatchConsumer } from './batch-consumer.ts';
import { Bodies } from './bodies.ts';
import { ConfigStore } from './config/store.ts';
import { ConfigWatch } from './config/watch.ts';
import { type ConnectOptions, connectNats } from './connect.ts';
import {
  deliverEvents,
  type EventDeliveries,
  type EventDeliveriesOptions,
  forgetDeliveries,
} from './event-deliveries.ts';
import { consumeLimitEvents, type LimitEventConsumerOptions, publishLimitEvent } from './limit-events.ts';
import type { Loopback } from './loopback.ts';
import { Mailbox } from './mailbox.ts';
import { Requests } from './requests.ts';
import { subjects } from './subjects.ts';
import { ensureTopology, type TopologyOptions } from './topology.ts';
import { Turn } from './turn.ts';
import { consumeUsage, type UsageConsumer, type UsageConsumerOptions, type UsageMessage } from './usage-consumer.ts';
import { UsagePublisher } from './usage-publisher.ts';
import { readUsage, type UsageState, usageAckFloor, usageMessage, usageState } from './usage-reader.ts';

export interface BusOptions extends ConnectOptions {
  metrics: Metrics;
  /** Shared with the other services of this process. */
  loopback?: Loopback;
}

export interface BusSubscription {
  /** Stops taking new messages after those that were delivered are handled; resolves when the server knows. */
  drain(): Promise<void>;
  stop(): void;
}

export type MessageHandler = (bytes: Uint8Array, reply: string) => void;

const noBytes = new Uint8Array(0);
/** nats-server's default; what Tollgate sends is far below it. */
const serverBytesMax = 1024 * 1024;

/** One connection to NATS and everything that a replica says and hears over it. */
export class Bus {
  readonly replica: string;
  readonly inbox: string;
  readonly mailbox: Mailbox;
  readonly awaited: AwaitedAnswers;
  readonly owned: OwnedAnswers;
  readonly bodies: Bodies;
  readonly usage: UsagePublisher;
  readonly config: ConfigWatch;
  readonly configStore: ConfigStore;
  readonly #nc: NatsConnection;
  readonly #loopback: Loopback | undefined;
  readonly #requests: Requests;
  readonly #logger: Logger;
  readonly #onReconnect: (() => void)[] = [];
  readonly #turn = new Turn();
  #outgoing: { subject: string; bytes: Uint8Array; reply: string | undefined }[] = [];
  #connected = true;
  #leave: (() => void) | undefined;
  #onDispatchReply: (entry: Entry) => void = () => {};
  #onNoResponders: (tag: string) => void = () => {};

  constructor(nc: NatsConnection, options: BusOptions) {
    this.#nc = nc;
    this.#logger = options.logger;
    this.#loopback = options.loopback;
    this.replica = options.replica;
    this.inbox = subjects.inbox(options.service, options.replica);
    const turn = this.#turn;
    const dropped = options.metrics.counter(
      'tollgate_bus_dropped_entries_total',
      'Entries dropped because NATS was away; beats repair them',
    );
    const refused = options.metrics.counter(
      'tollgate_usage_refused_total',
      'Usage batches that JetStream refused; they are published again',
    );
    const publishNow = (subject: string, bytes: Uint8Array) => {
      if (this.#connected) nc.publish(subject, bytes);
      return this.#connected;
    };
    // Order matters: usage of a turn is written before the frames of that turn, which carry `end`.
    this.usage = new UsagePublisher({
      replica: options.replica,
      inbox: this.inbox,
      turn,
      publish: (subject, bytes, { reply, messageId }) => this.#publishOnce(subject, bytes, reply, messageId),
      now: Date.now,
      onRefused: (reason) => {
        refused.inc();
        options.logger.warn({ reason }, 'JetStream refused usage; trying again');
      },
    });
    turn.step(() => this.#flushOutgoing());
    this.mailbox = new Mailbox({
      inbox: this.inbox,
      turn,
      sayHere: (inbox, entries, beat) => this.#loopback?.say(inbox, this.inbox, entries, beat) ?? false,
      publish: publishNow,
      onDropped: (entries) => dropped.inc(entries),
    });
    const wire = {
      send: (to: string, entry: Entry) => this.mailbox.send(to, entry),
      sendBeat: this.mailbox.sendBeat.bind(this.mailbox),
      now: Date.now,
    };
    this.awaited = new AwaitedAnswers(wire);
    this.owned = new OwnedAnswers(wire);
    this.bodies = new Bodies(wire.send);
    this.#requests = new Requests({
      inbox: this.inbox,
      publish: (subject, bytes, reply) => this.publish(subject, bytes, reply),
    });
    this.config = new ConfigWatch(nc, options.logger);
    this.configStore = new ConfigStore(nc);
    this.#listen();
    void this.#followStatus();
  }

  connected(): boolean {
    return this.#connected;
  }

  onReconnect(handler: () => void): void {
    this.#onReconnect.push(handler);
  }

  /**
   * Fire and forget, with all else that is said in this turn of the event loop. False: NATS is away and nothing is sent.
   *
   * @throws RangeError for more than a message may have
   */
  publish(subject: string, bytes: Uint8Array, reply?: string): boolean {
    if (!this.#connected) return false;
    if (bytes.length > serverBytesMax)
      throw new RangeError(`a message has at most ${serverBytesMax} bytes, this one ${bytes.length}`);
    this.#outgoing.push({ subject, bytes, reply });
    this.#turn.request();
    return true;
  }

  #flushOutgoing(): void {
    for (const { subject, bytes, reply } of this.#outgoing) {
      this.#nc.publish(subject, bytes, reply === undefined ? undefined : { reply });
    }
    this.#outgoing = [];
  }

  /** Publishes work for a queue group. `onNoResponders(tag)` hears at once when nobody is there. */
  offer(subject: string, bytes: Uint8Array, tag: string): boolean {
    if (this.#loopback?.offer(subject, bytes)) return true;
    return this.publish(subject, bytes, `${this.inbox}.n.${tag}`);
  }

  onNoResponders(handler: (tag: string) => void): void {
    this.#onNoResponders = handler;
  }

  /** Accepted and Rejected for dispatches; those for requests go to the awaited answers. */
  onDispatchReply(handler: (entry: Entry) => void): void {
    this.#onDispatchReply = handler;
  }

  subscribe(subject: string, handler: MessageHandler, options: { queue?: string } = {}): BusSubscription {
    const subscription = this.#nc.subscribe(subject, {
      queue: options.queue,
      callback: (error, message) => {
        if (error) this.#logger.error({ err: error, subject }, 'subscription failed');
        else handler(message.data, message.reply ?? '');
      },
    });
    const leave = options.queue ? this.#loopback?.take(subject, (bytes) => handler(bytes, '')) : undefined;
    return {
      drain: () => {
        leave?.();
        return subscription.drain();
      },
      stop: () => {
        leave?.();
        subscription.unsubscribe();
      },
    };
  }

  /** @throws TollgateError `bus_unavailable`, `overloaded` */
  request(subject: string, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return this.#requests.request(subject, bytes, timeoutMs);
  }

  reply(subject: string, bytes: Uint8Array = noBytes): void {
    if (subject !== '') this.publish(subject, bytes);
  }

  consumeUsage(options: UsageConsumerOptions): Promise<UsageConsumer> {
    return consumeUsage(this.#nc, this.#logger, options);
  }

  /**
   * Writes an event of a limit unless the stream EVENTS has one of its id. True: it is new there.
   * @throws Error when JetStream does not say so within 2 s, or has no such stream
   */
  publishLimitEvent(event: LimitEvent): Promise<boolean> {
    return publishLimitEvent(this.#nc, event);
  }

  consumeLimitEvents(options: LimitEventConsumerOptions): Promise<BatchConsumer> {
    return consumeLimitEvents(this.#nc, this.#logger, options);
  }

  /**
   * Delivers events of limits to one receiver, each at least once.
   * @throws Error when the stream is not there, or JetStream is away
   */
  deliverEvents(options: EventDeliveriesOptions): Promise<EventDeliveries> {
    return deliverEvents(this.#nc, this.#logger, options);
  }

  /** Forgets queues of receivers that are not configured any more, with what waits in them. Returns their names. */
  forgetDeliveries(kept: ReadonlySet<string>): Promise<string[]> {
    return forgetDeliveries(this.#nc, kept);
  }

  usageState(): Promise<UsageState> {
    return usageState(this.#nc);
  }

  /** Everything of USAGE up to this sequence was acknowledged by a durable consumer. */
  usageAckFloor(durable: string): Promise<number> {
    return usageAckFloor(this.#nc, durable);
  }

  /** One message of USAGE; undefined when the stream does not hold it any more. */
  usageMessage(seq: number): Promise<UsageMessage | undefined> {
    return usageMessage(this.#nc, seq);
  }

  readUsage(range: { fromSeq: number; toSeq: number }): AsyncGenerator<UsageMessage> {
    return readUsage(this.#nc, range);
  }

  /** What is kept of requests in the background, and their queue. */
  backgroundStore(): BackgroundStore {
    return new BackgroundStore(this.#nc);
  }

  ensureTopology(options: TopologyOptions): Promise<void> {
    return ensureTopology(this.#nc, options);
  }

  /** Everything said so far has reached the server. */
  async flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.#nc.flush();
  }

  /** Waits up to `timeoutMs` for usage to be acknowledged, then closes the connection. */
  async close(timeoutMs = 5000): Promise<void> {
    const flushed = await this.usage.flush(timeoutMs);
    if (!flushed)
      this.#logger.error(
        { batches: this.usage.pending },
        'closing with unacknowledged usage; its leases will be charged',
      );
    if (this.#connected) await this.flush().catch(() => undefined);
    this.#leave?.();
    this.usage.close();
    this.awaited.close();
    this.owned.close();
    this.config.close();
    await this.#nc.close();
  }

  #publishOnce(subject: string, bytes: Uint8Array, reply: string, messageId: string): boolean {
    if (!this.#connected) return false;
    const once = headers();
    once.set('Nats-Msg-Id', messageId);
    this.#nc.publish(subject, bytes, { reply, headers: once });
    return true;
  }

  #listen(): void {
    this.mailbox.onEntry((from, entry) => this.#entry(from, entry));
    this.mailbox.onBeat((from, beat) => {
      if (beat.answer) this.awaited.beat(from, beat);
      else this.owned.beat(from, beat);
    });
    this.#leave = this.#loopback?.hearAt(this.inbox, this.mailbox);
    this.subscribe(this.inbox, (bytes) => this.mailbox.receive(bytes));
    this.#nc.subscribe(`${this.inbox}.>`, {
      callback: (error, message) => {
        if (error) return;
        const rest = message.subject.slice(this.inbox.length + 1);
        const kind = rest[0];
        const id = rest.slice(2);
        const noResponders = message.headers?.code === 503;
        if (kind === 'r') {
          if (noResponders) this.#requests.fail(id);
          else this.#requests.settle(id, message.data);
        } else if (kind === 'u') {
          if (noResponders) this.usage.acknowledged(id, { error: { description: 'JetStream is away' } });
          else this.usage.acknowledged(id, message.json());
        } else if (kind === 'n' && noResponders) {
          this.#onNoResponders(id);
        }
      },
    });
  }

  #entry(from: string, entry: Entry): void {
    switch (entry.body?.$case) {
      case 'frame':
        this.awaited.entry(from, entry);
        break;
      case 'accepted':
        if (entry.body.value.dispatch === 0) this.awaited.entry(from, entry);
        else this.#onDispatchReply(entry);
        break;
      case 'rejected':
        if (entry.body.value.dispatch === 0) this.awaited.entry(from, entry);
        else this.#onDispatchReply(entry);
        break;
      case 'credit':
      case 'cancel':
      case 'resend':
        this.owned.entry(entry);
        break;
      case 'bodyPart':
      case 'bodyCredit':
        this.bodies.entry(entry);
        break;
    }
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.#nc.status()) {
      if (status.type === 'disconnect') {
        this.#connected = false;
        this.#requests.failAll();
        this.#logger.warn('NATS went away; reconnecting');
      } else if (status.type === 'reconnect') {
        this.#connected = true;
        this.#logger.info('NATS is back');
        this.usage.resendAll();
        for (const handler of this.#onReconnect) handler();
      }
    }
  }
}

/** Connects, waiting for NATS as long as it takes, and keeps the connection for ever. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  return new Bus(await connectNats(options), options);
}
