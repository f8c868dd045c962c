import { type Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import type { GuardEnv } from '@tollgate/config';
import type { GuardReply, GuardRequest } from '@tollgate/contracts';
import type { Logger, Metrics } from '@tollgate/telemetry';
import { feedCounters } from '../counter-feed.ts';
import { NearGuard, NearGuards } from '../near/near-guards.ts';
import packageJson from '../package.json' with { type: 'json' };
import { serverOptions } from '../wire/options.ts';
import { rawGuardService } from '../wire/service.ts';
import type { GuardBus } from '../wire/subjects.ts';
import { Beats } from './beats.ts';
import { BulkRunner, type EncodedHandler } from './bulk.ts';
import { Connections } from './connections.ts';
import { ServerCounters, serverCounterNames } from './counters.ts';
import { type GuardHandler, type GuardResult, Runner } from './runner.ts';

/** The calls that a drain or stop may take together, milliseconds. */
const drainMsMax = 8_000;
const runningMaxDefault = 4_096;
const bulkRunningMaxDefault = 16;

/** What a server registers with the service's lifecycle. */
export type GuardScope = {
  replica: string;
  drain(name: string, drain: () => Promise<void>): void;
  shared<T>(type: new () => T): T;
  defer(name: string, close: () => Promise<void>): void;
};

export type ServeGuardOptions = {
  kind: 'auth' | 'pii' | 'cache' | 'router';
  env: GuardEnv;
  bus: GuardBus;
  logger: Logger;
  metrics: Metrics;
  scope: GuardScope;
  handle: GuardHandler;
  /** Large requests as they came, for guards that decode and look at them in threads. Default: decoded, to `handle`. */
  handleEncoded?: EncodedHandler;
  /** Whether new requests may come; asked at each beat. */
  ready: () => boolean;
  /** The configuration's revision that this replica has; announced in its beats. */
  revision?: () => number;
  /** Requests in asynchronous handlers at once, beyond it `overloaded`. Default 4,096. */
  runningMax?: number;
  /** Large requests in `handleEncoded` at once, beyond it `overloaded`. Default 16. */
  bulkRunningMax?: number;
};

/**
 * Serves tollgate.v1.Guard and announces it. Drain: callers are told and move on, what they have sent is answered, then
 * the server stops; registered with the scope, so a service has nothing to do but to give its handler.
 */
export async function serveGuard(options: ServeGuardOptions): Promise<{ address: string }> {
  const { kind, env, logger, scope } = options;
  const counters = new ServerCounters();
  const runningMax = options.runningMax ?? runningMaxDefault;
  const runner = new Runner({ kind, handle: options.handle, runningMax, counters, logger });
  const bulk = new BulkRunner(runner, options.handleEncoded, options.bulkRunningMax ?? bulkRunningMaxDefault);
  const connections = new Connections({ kind, runner, bulk, counters, logger });

  const server = new Server(serverOptions);
  server.addService(rawGuardService, {
    exchange: connections.exchange,
    exchangeBulk: connections.exchangeBulk,
    check: (call: UnaryCall, answer: UnaryAnswer) => {
      const { id } = call.request;
      const sink = {
        reply: (_: number, result: GuardResult) => answer(null, { id, result }),
        dropped: () => answer({ code: 4, details: 'handled after its deadline' }),
      };
      runner.run(call.request, performance.now(), sink);
    },
  });
  const port = await listen(server, hostPort(env.host, env.port));
  const address = hostPort(env.announceHost, port);
  scope.defer(`guard server ${address}`, () => shutDown(server));
  const near = new NearGuard(runner, bulk);
  const nearGuards = scope.shared(NearGuards);
  nearGuards.add(address, near);
  scope.defer(`guard ${address} for callers beside it`, async () => nearGuards.delete(address));

  let draining = false;
  feedCounters(options.metrics, kind, counters, serverCounterNames);
  const beats = new Beats(options.bus, () => {
    const ready = !draining && options.ready();
    const revision = options.revision?.() ?? 0;
    return { kind, replica: scope.replica, address, version: packageJson.version, draining, ready, revision };
  });
  beats.start();
  scope.defer(`guard beats ${address}`, async () => beats.stop());
  scope.drain(`guard ${address}`, async () => {
    draining = true;
    beats.now();
    await Promise.all([connections.drain(drainMsMax), near.drain(drainMsMax)]);
  });
  return { address };
}

type UnaryCall = { request: GuardRequest; metadata: Metadata };
type UnaryAnswer = (error: { code: number; details: string } | null, reply?: GuardReply) => void;

const hostPort = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** After the drain nothing runs: what is still connected is cut. */
async function shutDown(server: Server): Promise<void> {
  server.forceShutdown();
}
