import { z } from '@tollgate/config';
import { runReadOnly } from '@tollgate/ledger';
import type { FastifyInstance } from 'fastify';
import { whenLeft } from '../adapters/caller.ts';
import type { Ledger } from '../adapters/ledger.ts';
import { contentTypeOf } from '../domain/sql-format.ts';
import { readInput } from './read-input.ts';

/** The engine's own bound comes first: it says more than ours. */
const secondsMax = 20;
const timeoutMs = 25_000;

const body = z.strictObject({
  query: z.string().trim().min(1, 'must be one statement').max(65_536),
  /** One of ClickHouse's names. */
  format: z
    .string()
    .regex(/^\w{1,64}$/, 'must be a format of ClickHouse such as JSON or CSVWithNames')
    .default('JSON'),
});

/** POST /api/sql {query, format}: an analyst's statement over every team's rows, reading only, in bounded time and size. */
export function sqlRoutes(app: FastifyInstance, ledger: Ledger): void {
  app.post('/api/sql', async (request, reply) => {
    const { query, format } = readInput(body, request.body);
    const asked = { name: 'sql', timeoutMs, left: whenLeft(reply), ownStatement: true } as const;
    const answer = await ledger.ask(asked, (client, signal) =>
      runReadOnly(client, query, format, { signal, secondsMax }),
    );
    return reply.header('content-type', contentTypeOf(format)).send(answer);
  });
}
