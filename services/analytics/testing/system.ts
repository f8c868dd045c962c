import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, connectBus, permissionsFor } from '@tollgate/bus';
import { processEnvironment } from '@tollgate/config';
import { connect, type LedgerClient, migrate } from '@tollgate/ledger';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';

export interface Replica {
  child: ChildProcess;
  /** Address of its health endpoints. */
  health: string;
  /** Of /readyz: status and text. */
  readiness(): Promise<{ status: number; text: string }>;
  metric(name: string): Promise<number>;
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

export interface TestSystem {
  engines: TestEngines;
  /** May do everything; publishes usage as an owner does. */
  bus: Bus;
  ledger: LedgerClient;
  startReplica(env?: Record<string, string>): Promise<Replica>;
  /** Waits until the ledger's rows answer so; the test's own time limit bounds it. */
  untilRequests(count: number): Promise<void>;
  close(): Promise<void>;
}

/** NATS with the permissions that the service has in production, ClickHouse, and the service as a process. */
export async function startSystem({ migrated = true, usageBytesMax = 256 * 1024 * 1024 } = {}): Promise<TestSystem> {
  const everything = { name: 'test', publish: ['>'], subscribe: ['>'] };
  const engines = await startEngines({
    only: ['nats', 'clickhouse'],
    natsUsers: [everything, { name: 'analytics', ...permissionsFor('analytics') }],
  });
  const test = engines.nats.userFor('test');
  const bus = await connectBus({
    env: { url: engines.nats.address, user: test.name, password: test.password },
    service: 'test',
    replica: 'test-1',
    logger: createLogger({ service: 'test', replica: 'test-1', level: 'silent' }),
    metrics: createMetrics('test'),
  });
  await bus.ensureTopology({ replicas: 1, usageBytesMax });
  const ledger = connect({ url: engines.clickhouse.url });
  if (migrated) await migrate(ledger);
  const replicas: Replica[] = [];
  return {
    engines,
    bus,
    ledger,
    async startReplica(env = {}) {
      const replica = await startReplica(engines, env);
      replicas.push(replica);
      return replica;
    },
    async untilRequests(count) {
      for (;;) {
        const [row] = await ledger.rows<{ n: number }>('SELECT count() AS n FROM usage').catch(() => []);
        if (row?.n === count) return;
        if ((row?.n ?? 0) > count) throw new Error(`${row?.n} requests in the ledger, expected ${count}`);
        // Seconds of waiting for JetStream to deliver again what a killed replica had: each question costs the engine work.
        await delay(200);
      }
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
      await ledger.close();
      await bus.close();
      await engines.close();
    },
  };
}

async function startReplica(engines: TestEngines, env: Record<string, string>): Promise<Replica> {
  const user = engines.nats.userFor('analytics');
  const child = fork(new URL('../main.ts', import.meta.url), {
    env: {
      NODE_COMPILE_CACHE: processEnvironment().NODE_COMPILE_CACHE,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: user.name,
      TOLLGATE_NATS_PASSWORD: user.password,
      TOLLGATE_CLICKHOUSE_URL: engines.clickhouse.url,
      TOLLGATE_LOG_LEVEL: 'warn',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const lines: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`analytics ended with ${code}: ${lines.join('')}`);
    }),
  ]);
  const { health } = message as { health: string };
  return {
    child,
    health,
    async readiness() {
      const response = await fetch(`${health}/readyz`);
      return { status: response.status, text: await response.text() };
    },
    async metric(name) {
      const text = await (await fetch(`${health}/metrics`)).text();
      const line = text
        .split('\n')
        .find((candidate) => candidate.startsWith(`${name}{`) || candidate.startsWith(`${name} `));
      return Number(line?.split(' ').at(-1));
    },
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill(signal);
      const [code] = await exit;
      return code as number | null;
    },
  };
}
