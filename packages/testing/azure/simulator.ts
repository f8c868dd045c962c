import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { benchFront } from './bench.ts';
import { callHandler } from './call.ts';
import { answerChat } from './chat-call.ts';
import { addControl } from './control.ts';
import { addFault, type Core, createCore, resetCore } from './core.ts';
import { answerEmbeddings } from './embeddings-call.ts';
import { bodyTooLarge, resourceNotFound } from './errors.ts';
import type { ActiveFault, FaultSpec } from './faults.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { type AzureSimulatorOptions, resolveOptions } from './options.ts';
import type { CallFilter, RecordedCall, WaitOptions } from './recorder.ts';
import { answerResponse } from './responses-call.ts';
import { addStoredCalls } from './stored-calls.ts';
import type { Totals } from './totals.ts';

// Longer than any client keeps an idle connection, so that the simulator is never the one that closes it first.
const KEEP_ALIVE_MS = 75_000;

export interface AzureSimulator {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly port: number;
  readonly apiKey: string;
  /** @throws TypeError when the spec is wrong, RangeError when 1,000 faults wait already, Error in bench mode. */
  addFault(spec: FaultSpec): string;
  faults(): ActiveFault[];
  clearFaults(): void;
  /** Lets content chunks pass whose fault names this gate; default 1. @throws RangeError as Gates.open. */
  openGate(name: string, chunks?: number): void;
  calls(filter?: CallFilter): RecordedCall[];
  waitForCalls(filter?: CallFilter, options?: WaitOptions): Promise<RecordedCall[]>;
  totals(): Totals;
  /** Forgets faults, gates, calls, totals, quotas and stored responses. */
  reset(): void;
  /** Ends all connections, hanging ones too. */
  close(): Promise<void>;
}

/** @throws TypeError for wrong options, and what `listen` throws when the port is taken. */
export async function startAzureSimulator(options: AzureSimulatorOptions = {}): Promise<AzureSimulator> {
  const resolved = resolveOptions(options);
  const core = createCore(resolved);
  const app = createApp(core, resolved.zeroDelay ? await benchFront(core) : undefined);
  await app.listen({ host: resolved.host, port: resolved.port });
  const { port } = app.server.address() as AddressInfo;
  const host = resolved.host.includes(':') ? `[${resolved.host}]` : resolved.host;
  return {
    address: `http://${host}:${port}`,
    port,
    apiKey: resolved.apiKey,
    addFault: (spec) => addFault(core, spec),
    faults: () => core.faults.list(),
    clearFaults: () => core.faults.clear(),
    openGate: (name, chunks = 1) => core.gates.open(name, chunks),
    calls: (filter) => core.recorder.calls(filter),
    waitForCalls: (filter, wait) => core.recorder.waitForCalls(filter, wait),
    totals: () => core.totals.read(),
    reset: () => resetCore(core),
    close: () => app.close(),
  };
}

/** Stands in front of the ordinary server and hands on what is not its own. */
type Front = (next: RequestListener) => RequestListener;

function createApp(core: Core, front: Front = (next) => next): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    serverFactory: (handler) => createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, front(handler)),
  });
  // The body is read as bytes, whatever its type says: the recorder keeps it raw, and broken JSON gets Azure's text.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(resourceNotFound().body));
  app.setErrorHandler((error, _request, reply) => {
    const tooLarge = error instanceof Error && 'statusCode' in error && error.statusCode === 413;
    if (tooLarge) return reply.code(413).send(bodyTooLarge().body);
    return reply.code(500).send({ error: { code: 'SimulatorFailure', message: String(error) } });
  });

  app.post('/openai/deployments/:deployment/chat/completions', callHandler(core, 'chat', 'classic', answerChat));
  app.post('/openai/deployments/:deployment/embeddings', callHandler(core, 'embeddings', 'classic', answerEmbeddings));
  app.post('/openai/responses', callHandler(core, 'responses', 'classic', answerResponse));
  app.post('/openai/v1/chat/completions', callHandler(core, 'chat', 'v1', answerChat));
  app.post('/openai/v1/embeddings', callHandler(core, 'embeddings', 'v1', answerEmbeddings));
  app.post('/openai/v1/responses', callHandler(core, 'responses', 'v1', answerResponse));
  addStoredCalls(app, core);
  addControl(app, core, () => resetCore(core));
  return app;
}
