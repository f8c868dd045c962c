import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const yearSeconds = 365 * 86_400;

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tollgate</title>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem">
<h1 style="font-size:1.25rem">The console’s page is not built yet</h1>
<p>Run <code>node apps/web/build.ts</code> in the repository and load this page again. The admin API and the command line work without it.</p>
`;

/** The built pages at /. They may come, or come anew, while this runs. */
export async function pageRoutes(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    index: false,
    redirect: false,
    dotfiles: 'ignore',
    cacheControl: false,
    setHeaders: (reply, file) => {
      reply.setHeader('cache-control', cacheControl(path.relative(folder, file)));
    },
  });
  app.get('/', async (_request, reply) => {
    if (existsSync(path.join(folder, 'index.html'))) return reply.sendFile('index.html');
    return reply.status(503).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(notBuilt);
  });
}

/** What stands in assets/ has its hash in its name. */
function cacheControl(file: string): string {
  return file.startsWith(`assets${path.sep}`) ? `public, max-age=${yearSeconds}, immutable` : 'no-cache';
}
