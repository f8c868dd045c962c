import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { backgroundQueueStream, backgroundStream, messageBytesMax, subjects } from '../subjects.ts';

export interface BackgroundBounds {
  /** Requests that wait or run, over all replicas; beyond it admission answers 503. */
  queueMax: number;
  /** All that is kept of them, on disk; admission answers 503 from four fifths of it on, so that what runs has room to end. */
  bytesMax: number;
  /** From its admission on a request and its answer are kept for so long, milliseconds. */
  keptMs: number;
}

export const backgroundDefaults: BackgroundBounds = {
  queueMax: 1000,
  bytesMax: 1024 ** 3,
  keptMs: 24 * 3600 * 1000,
};

/** Nothing is decided twice after so long; JetStream's own default. */
const duplicateMs = 2 * 60 * 1000;

/** Creates the two streams of requests in the background where they are missing; changes nothing that exists. */
export async function ensureBackground(
  jsm: JetStreamManager,
  replicas: number,
  { queueMax, bytesMax, keptMs }: BackgroundBounds = backgroundDefaults,
): Promise<void> {
  const common = {
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_age: keptMs * 1e6,
    duplicate_window: Math.min(duplicateMs, keptMs) * 1e6,
    num_replicas: replicas,
    allow_direct: true,
  };
  try {
    await jsm.streams.info(backgroundQueueStream);
  } catch {
    await jsm.streams.add({
      name: backgroundQueueStream,
      subjects: [subjects.backgroundQueue],
      // What is acknowledged is gone, so that the length of the stream is that of the queue.
      retention: RetentionPolicy.Workqueue,
      max_msgs: queueMax,
      max_msg_size: 64 * 1024,
      ...common,
    });
  }
  try {
    await jsm.streams.info(backgroundStream);
  } catch {
    await jsm.streams.add({
      name: backgroundStream,
      subjects: [subjects.backgroundRecord('*', '>')],
      retention: RetentionPolicy.Limits,
      // Each subject is a place: what is written again replaces what stood there.
      max_msgs_per_subject: 1,
      max_bytes: bytesMax,
      max_msg_size: 2 * messageBytesMax,
      ...common,
    });
  }
}
