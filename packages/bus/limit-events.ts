import { JetStreamApiError, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { encode, LimitEvent } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { type BatchConsumer, type BatchConsumerOptions, consumeBatches } from './batch-consumer.ts';
import { eventStream, subjects } from './subjects.ts';

export interface LimitEventMessage {
  /** Stream sequence. */
  seq: number;
  event: LimitEvent;
}

export type LimitEventConsumerOptions = Omit<BatchConsumerOptions<LimitEventMessage>, 'stream' | 'decode'>;

/** JetStream's error: the subject has a message already. */
const wrongLastSequence = 10_071;
const acknowledgedWithinMs = 2000;

/**
 * Writes an event unless the stream has one of its id. True: it is new there.
 * @throws Error when JetStream does not say so within 2 s, or has no such stream
 */
export async function publishLimitEvent(nc: NatsConnection, event: LimitEvent): Promise<boolean> {
  try {
    await jetstream(nc).publish(subjects.limitEvent(event.organizationId, event.id), encode(LimitEvent, event), {
      // A subject an event: it is made where there is none, however long ago another replica made it.
      expect: { lastSubjectSequence: 0 },
      timeout: acknowledgedWithinMs,
    });
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === wrongLastSequence) return false;
    throw error;
  }
}

/** @throws Error when the stream is not there, or JetStream is away */
export function consumeLimitEvents(
  nc: NatsConnection,
  logger: Logger,
  options: LimitEventConsumerOptions,
): Promise<BatchConsumer> {
  return consumeBatches(nc, logger, {
    ...options,
    stream: eventStream,
    decode: ({ seq, data }) => ({ seq, event: LimitEvent.decode(data) }),
  });
}
