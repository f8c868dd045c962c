import Fastify from 'fastify';
import { Pool } from 'undici';

// The least that a gateway on this stack can do: take a request, pass it on, pass the answer back.
const [upstream = '', apiKey = ''] = process.argv.slice(2);
const pool = new Pool(new URL(upstream).origin, { connections: 128, pipelining: 1 });
const app = Fastify({ bodyLimit: 32 * 1024 * 1024 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/*', async (request, reply) => {
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: request.url,
    headers: { 'content-type': 'application/json', 'api-key': apiKey },
    body: request.body as Buffer,
  });
  reply.status(statusCode).header('content-type', headers['content-type']);
  return Buffer.from(await body.arrayBuffer());
});
process.on('disconnect', () => process.exit(0));
process.send?.({ type: 'ready', address: await app.listen({ host: '127.0.0.1', port: 0 }) });
