import type { NatsConnection } from '@nats-io/nats-core';
import { UsageBatch } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { type BatchConsumer, type BatchConsumerOptions, consumeBatches, type StreamMessage } from './batch-consumer.ts';
import { usageStream } from './subjects.ts';

export interface UsageMessage {
  /** Stream sequence. */
  seq: number;
  redelivered: boolean;
  batch: UsageBatch;
}

export type UsageConsumerOptions = Omit<BatchConsumerOptions<UsageMessage>, 'stream' | 'decode'>;
export type UsageConsumer = BatchConsumer;

/** @throws Error when the stream is not there, or JetStream is away */
export function consumeUsage(
  nc: NatsConnection,
  logger: Logger,
  options: UsageConsumerOptions,
): Promise<UsageConsumer> {
  return consumeBatches(nc, logger, { ...options, stream: usageStream, decode });
}

export function decode(message: StreamMessage): UsageMessage {
  return { seq: message.seq, redelivered: message.redelivered, batch: UsageBatch.decode(message.data) };
}
