import { connectBus } from '@tollgate/bus';
import type { NatsEngine } from '@tollgate/engines';
import { createLogger, createMetrics } from '@tollgate/telemetry';

/** On a developer's machine: weeks of usage while the ledger is away, and no full disk. */
const usageBytesMax = 2 * 1024 ** 3;

/** Makes the streams that the services find there, where they are missing. */
export async function makeTopology(nats: NatsEngine): Promise<void> {
  const { name, password } = nats.userFor('launcher');
  const bus = await connectBus({
    env: { url: nats.address, user: name || undefined, password: password || undefined },
    service: 'launcher',
    replica: `launcher-${process.pid}`,
    logger: createLogger({ service: 'launcher', replica: `launcher-${process.pid}`, level: 'warn' }),
    metrics: createMetrics('launcher'),
  });
  try {
    await bus.ensureTopology({ replicas: 1, usageBytesMax });
  } finally {
    await bus.close();
  }
}
