import assert from 'node:assert/strict';
import { ask, type LoadResult, startLoad } from './load.ts';
import type { System } from './system.ts';
import { until } from './until.ts';

export type Ask = (content: string) => Promise<LoadResult>;

export interface Outage {
  name: string;
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
  /** What is looked at while it lasts; the answers it asks for are among the outage's. */
  meanwhile(once: Ask): Promise<void>;
}

/** An outage under load, JSON and streams; ends when callers are served again, and each has its row. Every answer of all this. */
export async function interrupt(
  system: System,
  caller: { gatewayUrl: string; key: string },
  outage: Outage,
): Promise<LoadResult[]> {
  const answers = await answersDuring(caller, outage);
  await expectRows(system, answers);
  return answers;
}

/** The same without a look at the rows. */
export async function answersDuring(
  caller: { gatewayUrl: string; key: string },
  { name, begin, end, meanwhile }: Outage,
): Promise<LoadResult[]> {
  const others: LoadResult[] = [];
  const once: Ask = async (content) => {
    const answer = await ask(caller, content);
    others.push(answer);
    return answer;
  };
  const loads = [startLoad({ ...caller, rate: 15 }), startLoad({ ...caller, rate: 5, stream: true })];
  const answers: LoadResult[] = [];
  try {
    await until('some load', async () => loads.every((load) => load.sent() > 5) || undefined);
    await begin();
    try {
      await meanwhile(once);
    } finally {
      await end();
    }
  } finally {
    for (const load of loads) answers.push(...(await load.stop()));
  }
  await until(`full service after ${name} came back`, async () => (await once(`After ${name}`)).whole || undefined);
  return [...answers, ...others];
}

/**
 * Every request that was admitted has exactly one row: those that were answered, and those that had reached the provider when
 * their answer was lost. The others have one at most.
 */
export async function expectRows(system: System, answers: LoadResult[]): Promise<void> {
  const calls = await (await system.simulator()).calls();
  const called = new Set(calls.map(({ headers }) => headers['x-ms-client-request-id']));
  const known = answers.filter(({ requestId }) => requestId !== '');
  const admitted = known.filter(({ whole, requestId }) => whole || called.has(requestId));
  assert.ok(admitted.length > 0);
  const list = known.map(({ requestId }) => `'${requestId}'`).join(',');
  await until(
    `${admitted.length} rows`,
    async () => {
      const rows = await system.sql<{ id: string; n: number }>(
        `SELECT request_id AS id, count() AS n FROM usage WHERE request_id IN (${list}) GROUP BY request_id`,
      );
      for (const { id, n } of rows) assert.equal(Number(n), 1, id);
      const found = new Set(rows.map(({ id }) => id));
      return admitted.every(({ requestId }) => found.has(requestId)) || undefined;
    },
    60_000,
  );
}
