import type { Bus } from '@tollgate/bus';
import { diffConfig, parseConfigFile, resolveConfig, z } from '@tollgate/config';
import type { FastifyInstance } from 'fastify';
import { readInput } from './read-input.ts';

interface ApplyRoute {
  Body: unknown;
  Querystring: { dryRun?: string };
}

/** A configuration and a file of prices, a mebibyte each, and what JSON makes of them. */
const bodyBytesMax = 4 * 1024 * 1024;

/** The configuration alone as YAML, or, as JSON, with the files that it names. */
const applied = z.union([
  z.string().transform((configuration) => ({ configuration, files: {} })),
  z.strictObject({ configuration: z.string(), files: z.record(z.string().max(1024), z.string()).default({}) }),
]);

/** POST /api/apply: shows what a file would change and, unless `dryRun`, makes it the next revision. */
export function applyRoutes(app: FastifyInstance, bus: Bus): void {
  app.addContentTypeParser(
    ['application/yaml', 'text/yaml', 'text/plain'],
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  app.post<ApplyRoute>('/api/apply', { bodyLimit: bodyBytesMax }, async (request) => {
    const dryRun = request.query.dryRun === 'true';
    const expected = await bus.configStore.currentRevision();
    const before = expected > 0 ? await bus.config.at(expected) : undefined;
    const { configuration, files } = readInput(applied, request.body ?? '');
    const snapshot = resolveConfig(parseConfigFile(configuration, files), expected + 1, Date.now());
    const changes = diffConfig(before, snapshot).map(({ kind, path, before: from, after: to }) => ({
      kind,
      path,
      from,
      to,
    }));
    if (dryRun || changes.length === 0)
      return { revision: expected, changes, applied: false, warnings: snapshot.warnings };
    await bus.configStore.apply(snapshot, expected);
    request.log.info({ revision: snapshot.revision, changes: changes.length }, 'configuration applied');
    return { revision: snapshot.revision, changes, applied: true, warnings: snapshot.warnings };
  });
}
