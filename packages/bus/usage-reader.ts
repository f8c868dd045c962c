import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { usageStream } from './subjects.ts';
import { decode, type UsageMessage } from './usage-consumer.ts';

export interface UsageState {
  /** Sequences; 0 and 0 while the stream is empty. */
  firstSeq: number;
  lastSeq: number;
  /** On disk. */
  bytes: number;
  /** At so many bytes it takes no more: `TOLLGATE_USAGE_BYTES_MAX` as it was when the stream was made; 0: no bound. */
  bytesMax: number;
}

export async function usageState(nc: NatsConnection): Promise<UsageState> {
  const { state, config } = await (await jetstreamManager(nc, { checkAPI: false })).streams.info(usageStream);
  const { first_seq: firstSeq, last_seq: lastSeq, bytes } = state;
  return { firstSeq, lastSeq, bytes, bytesMax: Math.max(0, config.max_bytes) };
}

/** Everything up to this sequence of the stream was acknowledged by a durable consumer; 0 when it has none. */
export async function usageAckFloor(nc: NatsConnection, durable: string): Promise<number> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  return (await jsm.consumers.info(usageStream, durable)).ack_floor.stream_seq;
}

/** One message of USAGE; undefined when the stream does not hold it any more. */
export async function usageMessage(nc: NatsConnection, seq: number): Promise<UsageMessage | undefined> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const message = await jsm.streams.getMessage(usageStream, { seq });
  return message ? decode({ seq, redelivered: false, data: message.data }) : undefined;
}

/** A server that sends nothing for so long is not going to: what was asked for is gone, or the server is. */
const silenceMsMax = 10_000;

/**
 * Reads USAGE from one sequence to another, both included, without touching any durable consumer.
 * @throws Error when it could not read to the end: whoever counts must not take a part for the whole
 */
export async function* readUsage(
  nc: NatsConnection,
  range: { fromSeq: number; toSeq: number },
): AsyncGenerator<UsageMessage> {
  if (range.toSeq < range.fromSeq) return;
  const consumer = await jetstream(nc).consumers.get(usageStream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: range.fromSeq,
  });
  const messages = await consumer.consume({ max_messages: 500 });
  const silence = setTimeout(() => void messages.close(), silenceMsMax);
  let readSeq = range.fromSeq - 1;
  try {
    for await (const message of messages) {
      if (message.seq > range.toSeq) return;
      yield decode(message);
      readSeq = message.seq;
      if (message.seq === range.toSeq || message.info.pending === 0) return;
      silence.refresh();
    }
    throw new Error(`USAGE was read from ${range.fromSeq} to ${readSeq} only, not to ${range.toSeq}`);
  } finally {
    clearTimeout(silence);
    await messages.close();
  }
}
