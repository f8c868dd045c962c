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
import { UsageBatch } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { inBatches } from './batches.ts';
import { usageStream } from './subjects.ts';

export interface UsageMessage {
  /** Stream sequence. */
  seq: number;
  redelivered: boolean;
  batch: UsageBatch;
}

export interface UsageConsumerOptions {
  /** Name of the durable consumer; its replicas share the work. */
  durable: string;
  /** Messages handed to one onBatch call, at most. */
  batchMax: number;
  /** All are acknowledged after it resolves. When it throws, the same batch is tried again, with back-off. */
  onBatch(messages: UsageMessage[]): Promise<void>;
}

export interface UsageConsumer {
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

export async function consumeUsage(
  nc: NatsConnection,
  logger: Logger,
  options: UsageConsumerOptions,
): Promise<UsageConsumer> {
  const jsm = await ensureConsumer(nc, options);
  const running = new AbortController();
  const loop = run(nc, logger, options, running.signal);
  const info = () => jsm.consumers.info(usageStream, options.durable);
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

async function ensureConsumer(nc: NatsConnection, options: UsageConsumerOptions): Promise<JetStreamManager> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const changeable = { ack_wait: ackWaitMs * 1e6, max_ack_pending: options.batchMax * 4, max_deliver: -1 };
  try {
    await jsm.consumers.add(usageStream, {
      durable_name: options.durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ...changeable,
    });
  } catch (error) {
    // It exists with other bounds: this build's, or this replica's settings, are the newer ones.
    if (!(error instanceof JetStreamApiError && error.code === consumerExists)) throw error;
    await jsm.consumers.update(usageStream, options.durable, changeable);
  }
  return jsm;
}

async function run(
  nc: NatsConnection,
  logger: Logger,
  options: UsageConsumerOptions,
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
      logger.warn({ err: error, durable: options.durable, failures }, 'usage consumer interrupted, trying again');
      await pause(Math.min(backoffMsMax, 100 * 2 ** Math.min(failures, 6)), signal);
    }
  }
}

async function consumeUntilBroken(
  nc: NatsConnection,
  options: UsageConsumerOptions,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<void> {
  const consumer = await jetstream(nc).consumers.get(usageStream, options.durable);
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

async function handle(messages: JsMsg[], options: UsageConsumerOptions): Promise<void> {
  const working = setInterval(() => {
    for (const message of messages) message.working();
  }, ackWaitMs / 3);
  try {
    await options.onBatch(messages.map(decode));
    for (const message of messages) message.ack();
  } catch (error) {
    // Given back at once: another replica may succeed; this one returns after its back-off.
    for (const message of messages) message.nak(200);
    throw error;
  } finally {
    clearInterval(working);
  }
}

export function decode(message: { seq: number; redelivered: boolean; data: Uint8Array }): UsageMessage {
  return { seq: message.seq, redelivered: message.redelivered, batch: UsageBatch.decode(message.data) };
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
