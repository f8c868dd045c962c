import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { addControl } from '../azure/control.ts';
import { addFault, resetShared } from '../azure/core.ts';
import { type ActiveFault, FaultList, type FaultSpec } from '../azure/faults.ts';
import { Gates } from '../azure/gates.ts';
import { BODY_BYTES_MAX } from '../azure/limits.ts';
import { Quotas } from '../azure/quota.ts';
import { type CallFilter, type RecordedCall, Recorder, type WaitOptions } from '../azure/recorder.ts';
import { type Totals, TotalsCounter } from '../azure/totals.ts';
import { type AnthropicCore, callHandler } from './call.ts';
import { notFound, requestTooLarge } from './errors.ts';
import { providerHeaders } from './headers.ts';
import { type AnthropicSimulatorOptions, type ResolvedOptions, resolveOptions } from './options.ts';

// Longer than any client keeps an idle connection, so that the simulator is never the one that closes it first.
const KEEP_ALIVE_MS = 75_000;

export interface AnthropicSimulator {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly port: number;
  readonly apiKey: string;
  /** @throws TypeError when the spec is wrong, RangeError when 1,000 faults wait already. */
  addFault(spec: FaultSpec): string;
  faults(): ActiveFault[];
  clearFaults(): void;
  /** Lets content chunks pass whose fault names this gate; default 1. @throws RangeError as Gates.open. */
  openGate(name: string, chunks?: number): void;
  calls(filter?: CallFilter): RecordedCall[];
  waitForCalls(filter?: CallFilter, options?: WaitOptions): Promise<RecordedCall[]>;
  totals(): Totals;
  /** Forgets faults, gates, calls, totals and quotas. */
  reset(): void;
  /** Ends all connections, hanging ones too. */
  close(): Promise<void>;
}

/** Anthropic's Messages API on a port of its own. @throws TypeError for wrong options, and what `listen` throws. */
export async function startAnthropicSimulator(options: AnthropicSimulatorOptions = {}): Promise<AnthropicSimulator> {
  const resolved = resolveOptions(options);
  const core = createCore(resolved);
  const app = createApp(core);
  await app.listen({ host: resolved.host, port: resolved.port });
  const { port } = app.server.address() as AddressInfo;
  return {
    address: `http://${resolved.host}:${port}`,
    port,
    apiKey: resolved.apiKey,
    addFault: (spec) => addFault(core, spec),
    faults: () => core.faults.list(),
    clearFaults: () => core.faults.clear(),
    openGate: (name, chunks = 1) => core.gates.open(name, chunks),
    calls: (filter) => core.recorder.calls(filter),
    waitForCalls: (filter, wait) => core.recorder.waitForCalls(filter, wait),
    totals: () => core.totals.read(),
    reset: () => resetShared(core),
    close: () => app.close(),
  };
}

function createCore(options: ResolvedOptions): AnthropicCore {
  return {
    options,
    faults: new FaultList(),
    gates: new Gates(),
    quotas: new Quotas(options.now),
    recorder: new Recorder(options.recordedCallsMax),
    totals: new TotalsCounter(options.models.keys()),
  };
}

function createApp(core: AnthropicCore): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    serverFactory: (handler) => createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handler),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((_request, reply) => reply.code(404).headers(providerHeaders()).send(notFound().body));
  app.setErrorHandler((error, _request, reply) => {
    const tooLarge = error instanceof Error && 'statusCode' in error && error.statusCode === 413;
    if (tooLarge) return reply.code(413).headers(providerHeaders()).send(requestTooLarge().body);
    return reply.code(500).send({ error: { type: 'simulator_failure', message: String(error) } });
  });
  app.post('/v1/messages', callHandler(core, 'messages'));
  app.post('/v1/messages/count_tokens', callHandler(core, 'count_tokens'));
  addControl(app, core, () => resetShared(core));
  return app;
}
