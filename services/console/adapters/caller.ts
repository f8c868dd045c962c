import type { FastifyReply } from 'fastify';

/** Aborts when the caller leaves before the answer is through. */
export function whenLeft(reply: FastifyReply): AbortSignal {
  const leaving = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort(new Error('the caller left'));
  });
  return leaving.signal;
}
