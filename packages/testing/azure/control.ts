import type { FastifyInstance } from 'fastify';
import type { SharedCore } from './core.ts';
import { isSurface } from './faults.ts';
import { isRecord, type JsonRecord, stringOf } from './json.ts';
import type { CallFilter, WaitOptions } from './recorder.ts';

/**
 * The control API under `/__sim`: faults, recorded calls, totals, for tests that run in another process.
 * @param reset forgets all but the configuration
 */
export function addControl(app: FastifyInstance, core: SharedCore, reset: () => void): void {
  app.get('/__sim/faults', () => core.faults.list());

  app.post('/__sim/faults', (request, reply) => {
    if (core.options.zeroDelay)
      return reply.code(409).send({ error: 'In bench mode (zeroDelay) no fault takes effect' });
    try {
      const given: unknown = JSON.parse(bodyOf(request.body));
      const specs = Array.isArray(given) ? given : [given];
      return reply.code(201).send({ ids: specs.map((spec) => core.faults.add(spec)) });
    } catch (error) {
      return reply.code(400).send({ error: error instanceof Error ? error.message : String(error) });
    }
  });

  app.delete('/__sim/faults', (_request, reply) => {
    core.faults.clear();
    return reply.code(204).send();
  });

  app.post('/__sim/gates', (request, reply) => {
    try {
      const { name, chunks } = JSON.parse(bodyOf(request.body)) as { name: unknown; chunks: unknown };
      core.gates.open(String(name), Number(chunks));
      return reply.code(204).send();
    } catch (error) {
      return reply.code(400).send({ error: error instanceof Error ? error.message : String(error) });
    }
  });

  /** With `waitMs` it answers as soon as `count` calls match, or 408. */
  app.get('/__sim/calls', async (request, reply) => {
    const query = isRecord(request.query) ? request.query : {};
    const filter = filterOf(query);
    const wait = waitOf(query);
    if (wait.timeoutMs === undefined) return core.recorder.calls(filter);
    try {
      return await core.recorder.waitForCalls(filter, wait);
    } catch (error) {
      return reply.code(408).send({ error: error instanceof Error ? error.message : String(error) });
    }
  });

  app.get('/__sim/totals', () => core.totals.read());

  app.post('/__sim/reset', (_request, reply) => {
    reset();
    return reply.code(204).send();
  });
}

function bodyOf(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : '';
}

const WAIT_MS_MAX = 60_000;

function filterOf(query: JsonRecord): CallFilter {
  const filter: CallFilter = {};
  const deployment = stringOf(query.deployment);
  const surface = stringOf(query.surface);
  if (deployment !== undefined) filter.deployment = deployment;
  if (isSurface(surface)) filter.surface = surface;
  if (query.afterSequence !== undefined) filter.afterSequence = Number(query.afterSequence);
  if (query.ended !== undefined) filter.ended = query.ended === 'true';
  return filter;
}

function waitOf(query: JsonRecord): WaitOptions {
  const wait: WaitOptions = {};
  if (query.waitMs !== undefined) wait.timeoutMs = Math.min(Number(query.waitMs) || 0, WAIT_MS_MAX);
  if (query.count !== undefined) wait.count = Number(query.count) || 1;
  return wait;
}
