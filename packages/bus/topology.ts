import { DiscardPolicy, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { type BackgroundBounds, ensureBackground } from './background/streams.ts';
import { configBucket, eventStream, usageStream } from './subjects.ts';

const dayNs = 24 * 3600 * 1e9;

export interface TopologyOptions {
  /** 1 on a developer's machine, 3 in a cluster. */
  replicas: number;
  /** Bound of the USAGE stream; at it publishers are refused and admission answers 503. */
  usageBytesMax: number;
  /** Left out: the defaults of the console. */
  background?: BackgroundBounds;
}

/** A year's windows, and some: as long as an event is there it is not told again. */
const eventsAgeNs = 400 * dayNs;
/** Some hundred thousand events; beyond it the oldest go. */
const eventsBytesMax = 128 * 1024 * 1024;

/** Creates the streams USAGE, EVENTS, BACKGROUND and its queue and the CONFIG bucket where they are missing; changes nothing that exists. */
export async function ensureTopology(nc: NatsConnection, options: TopologyOptions): Promise<void> {
  const jsm = await jetstreamManager(nc);
  try {
    await jsm.streams.info(usageStream);
  } catch {
    await jsm.streams.add({
      name: usageStream,
      subjects: ['tg.v1.usage.>'],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      // contracts.md: at least seven days, so that a ledger that was away for days still gets every event.
      max_age: 14 * dayNs,
      max_bytes: options.usageBytesMax,
      max_msg_size: 1024 * 1024,
      // Republishing goes on for seconds, a restart of NATS for longer.
      duplicate_window: 10 * 60 * 1e9,
      num_replicas: options.replicas,
      allow_direct: true,
    });
  }
  try {
    await jsm.streams.info(eventStream);
  } catch {
    await jsm.streams.add({
      name: eventStream,
      subjects: ['tg.v1.event.>'],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      max_age: eventsAgeNs,
      max_bytes: eventsBytesMax,
      max_msg_size: 64 * 1024,
      num_replicas: options.replicas,
      allow_direct: true,
    });
  }
  await ensureBackground(jsm, options.replicas, options.background);
  await new Kvm(nc).create(configBucket, { history: 5, replicas: options.replicas, storage: StorageType.File });
}
