import type { Bus } from '@tollgate/bus';
import type { ResponseIds } from '@tollgate/config';
import type { Logger } from '@tollgate/telemetry';
import { Asks } from '../../adapters/background/asks.ts';
import { QueueLeases } from '../../adapters/background/queue-leases.ts';
import { Records } from '../../adapters/background/records.ts';
import type { UpstreamMetrics } from '../../adapters/metrics.ts';
import type { Conclude } from '../conclude.ts';
import type { Keep } from '../keep.ts';
import type { Serve } from '../serve.ts';
import { ById } from './by-id.ts';
import { BackgroundFront } from './front.ts';
import { Questions } from './questions.ts';
import { BackgroundWorker } from './worker.ts';

export interface BackgroundOptions {
  bus: Bus;
  serve: Serve;
  conclude: Conclude;
  keep: Keep;
  metrics: UpstreamMetrics;
  logger: Logger;
  ids: ResponseIds;
  runsMax: number;
  deadlineMs: number;
  eventBytesMax: number;
  serves(provider: string): boolean;
  unready(): string;
}

/** What a replica has to do with requests in the background. The worker is started by who has everything else ready. */
export interface Background {
  front: BackgroundFront;
  worker: BackgroundWorker;
  leases: QueueLeases;
  /** Other replicas answer pipelines' questions from here on. */
  stopAnswering(): Promise<void>;
}

/** Wires the background up, and begins to answer for it. */
export function startBackground(options: BackgroundOptions): Background {
  const { bus, serve, conclude, keep, logger, ids } = options;
  const store = bus.backgroundStore();
  const records = new Records(store);
  const asks = new Asks(bus);
  const worker = new BackgroundWorker({
    ...options,
    ...{ store, records },
    isRunElsewhere: (requestId) => asks.isRun(requestId, false),
  });
  asks.answer((requestId, cancel) => worker.hold(requestId, cancel));
  const byId = new ById({ bus, store, records, asks, ids, conclude, serve });
  const front = new BackgroundFront({
    begin: { store, records, ids, now: Date.now },
    follow: { store, records },
    ...{ byId, conclude, keep, logger },
  });
  const leases = new QueueLeases(bus, store, records, logger);
  leases.start();
  const answering = new Questions({ bus, store, records, logger, now: Date.now }).start();
  return {
    ...{ front, worker, leases },
    stopAnswering: async () => {
      await Promise.all(answering.map((subscription) => subscription.drain()));
    },
  };
}
