import type { Bus } from '@tollgate/bus';
import { diffConfig, parseConfigFile, resolveConfig } from '@tollgate/config';
import type { FastifyInstance } from 'fastify';

interface ApplyRoute {
  Body: string;
  Querystring: { dryRun?: string };
}

/** POST /api/apply: shows what a file would change and, unless `dryRun`, makes it the next revision. */
export function applyRoutes(app: FastifyInstance, bus: Bus): void {
  app.addContentTypeParser(
    ['application/yaml', 'text/yaml', 'text/plain'],
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  app.post<ApplyRoute>('/api/apply', async (request) => {
    const dryRun = request.query.dryRun === 'true';
    const expected = await bus.configStore.currentRevision();
    const before = expected > 0 ? await bus.config.at(expected) : undefined;
    const snapshot = resolveConfig(parseConfigFile(request.body ?? ''), expected + 1, Date.now());
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
