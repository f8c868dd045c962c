import { keptPassword } from './credentials.ts';
import { keptPort } from './ports.ts';

const user = 'tollgate';
const database = 'tollgate';
const requestTimeoutMs = 10_000;

/** Where a ClickHouse that is started here listens, and who may use it. */
export interface ClickHousePlace {
  port: number;
  user: string;
  password: string;
  database: string;
  /** With credentials and database, as services take it. */
  url: string;
}

/** The same for every start of an installation while its port is free, and known before the engine itself is there. */
export async function clickhousePlace(home: string): Promise<ClickHousePlace> {
  const port = await keptPort(home, 'clickhouse');
  const password = keptPassword(home, 'clickhouse');
  return { port, user, password, database, url: `http://${user}:${password}@127.0.0.1:${port}/${database}` };
}

/** Makes the database that the URL names; until then every query over that URL would be refused. */
export async function makeDatabase(place: ClickHousePlace): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${place.port}/?database=default`, {
    method: 'POST',
    headers: { 'x-clickhouse-user': place.user, 'x-clickhouse-key': place.password },
    body: `CREATE DATABASE IF NOT EXISTS ${place.database}`,
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  if (!answer.ok) throw new Error(`ClickHouse refuses to make its database: ${(await answer.text()).slice(0, 300)}`);
}
