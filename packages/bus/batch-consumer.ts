import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Logger } from '@tollgate/telemetry';
import { inBatches } from './batches.ts';

/** What of a message its decoder needs. */
export type StreamMessage = Pick<JsMsg, 'seq' | 'redelivered' | 'data'>;

export interface BatchConsumerOptions<Message> {
  stream: string;
  /** Name of the durable consumer; its replicas share the work. */
  durable: string;
  /** Messages handed to one onBatch call, at most. */
  batchMax: number;
  decode(message: StreamMessage): Message;
  /** All are acknowledged after it resolves. When it throws, the same batch is tried again, with back-off. */
  onBatch(messages: Message[]): Promise<void>;
}

export interface BatchConsumer {
  /** Finishes the batch in hand, at most until the process's own bound. */
  stop(): Promise<void>;
  /** Messages not yet acknowledged or not yet delivered. */
  pending(): Promise<number>;
  /** Everything up to this stream sequence is acknowledged. */
  ackFloor(): Promise<number>;
}

/** Redelivery of what a killed replica had; the batch in hand keeps saying that it works. */
const ackWaitMs = 20_000;
const backoffMsMax = 5000;
/** JetStream's error: a consumer of that name has another configuration. */
const consumerExists = 10_148;

/** @throws Error when the stream is not there, or JetStream is away */
export async function consumeBatches<Message>(
  nc: NatsConnection,
  logger: Logger,
  options: BatchConsumerOptions<Message>,
): Promise<BatchConsumer> {
  const jsm = await ensureConsumer(nc, options);
  const running = new AbortController();
  const loop = run(nc, logger, options, running.signal);
  const info = () => jsm.consumers.info(options.stream, options.durable);
  return {
    async stop() {
      running.abort();
      await loop;
    },
    async pending() {
      const { num_pending, num_ack_pending } = await info();
      return num_pending + num_ack_pending;
    },
    async ackFloor() {
      return (await info()).ack_floor.stream_seq;
    },
  };
}

async function ensureConsumer<Message>(
  nc: NatsConnection,
  options: BatchConsumerOptions<Message>,
): Promise<JetStreamManager> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const changeable = { ack_wait: ackWaitMs * 1e6, max_ack_pending: options.batchMax * 4, max_deliver: -1 };
  try {
    await jsm.consumers.add(options.stream, {
      durable_name: options.durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ...changeable,
    });
  } catch (error) {
    // It exists with other bounds: this build's, or this replica's settings, are the newer ones.
    if (!(error instanceof JetStreamApiError && error.code === consumerExists)) throw error;
    await jsm.consumers.update(options.stream, options.durable, changeable);
  }
  return jsm;
}

async function run<Message>(
  nc: NatsConnection,
  logger: Logger,
  options: BatchConsumerOptions<Message>,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await consumeUntilBroken(nc, options, signal, () => {
        failures = 0;
      });
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      logger.warn({ err: error, durable: options.durable, failures }, 'consumer interrupted, trying again');
      await pause(Math.min(backoffMsMax, 100 * 2 ** Math.min(failures, 6)), signal);
    }
  }
}

async function consumeUntilBroken<Message>(
  nc: NatsConnection,
  options: BatchConsumerOptions<Message>,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> {
  const consumer = await jetstream(nc).consumers.get(options.stream, options.durable);
  const messages = await consumer.consume({
    max_messages: options.batchMax,
    idle_heartbeat: 2000,
    expires: 10_000,
    abort_on_missing_resource: true,
  });
  const stop = () => void messages.close();
  signal.addEventListener('abort', stop);
  try {
    for await (const batch of inBatches(messages, options.batchMax)) {
      await handle(batch, options);
      onProgress();
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await messages.close();
  }
}

async function handle<Message>(messages: JsMsg[], options: BatchConsumerOptions<Message>): Promise<void> {
  const working = setInterval(() => {
    for (const message of messages) message.working();
  }, ackWaitMs / 3);
  try {
    await options.onBatch(messages.map(options.decode));
    for (const message of messages) message.ack();
  } catch (error) {
    // Given back at once: another replica may succeed; this one returns after its back-off.
    for (const message of messages) message.nak(200);
    throw error;
  } finally {
    clearInterval(working);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
