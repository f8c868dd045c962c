import type { IncomingHttpHeaders } from 'node:http';
import type { Query } from '../engine/engine.ts';
import { EngineException } from '../engine/exception.ts';

/** Parameters of the URL that are no settings of the engine; the rest is handed to it. */
const OF_THE_INTERFACE = new Set([
  'buffer_size',
  'client_protocol_version',
  'close_session',
  'database',
  'default_format',
  'password',
  'query',
  'query_id',
  'quota_key',
  'session_check',
  'session_id',
  'session_timeout',
  'stacktrace',
  'user',
  'wait_end_of_query', // every answer is complete before its first byte
]);

const PARAMETER = 'param_';

/**
 * Reads a request as ClickHouse's HTTP interface does: the statement is the `query` of the URL, a line break, the body; the body after an
 * INSERT in the URL is its rows. Everything but POST only reads.
 * @throws EngineException NOT_IMPLEMENTED for what this face leaves out
 */
export function readQuery(method: string, headers: IncomingHttpHeaders, url: URLSearchParams, body: Buffer): Query {
  if (headers['content-type']?.startsWith('multipart/')) throw leftOut('multipart bodies');
  for (const name of ['compress', 'decompress'] as const) {
    if (url.get(name) === '1') throw leftOut(`${name}=1 (ClickHouse's own block compression)`);
  }
  if (url.has('role')) throw leftOut('role');
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of url) {
    if (name.startsWith(PARAMETER)) parameters.set(name.slice(PARAMETER.length), value);
    else if (!OF_THE_INTERFACE.has(name)) settings.set(name, value);
  }
  if (method !== 'POST' && (settings.get('readonly') ?? '0') === '0') settings.set('readonly', '2');
  const database = url.get('database') ?? header(headers, 'x-clickhouse-database');
  const format = url.get('default_format') ?? header(headers, 'x-clickhouse-format') ?? 'TabSeparated';
  return { ...statement(url.get('query') ?? '', body), format, database, settings, parameters };
}

function statement(inUrl: string, body: Buffer): { sql: string; data?: Buffer } {
  if (inUrl !== '' && /^[\s(]*INSERT\b/i.test(inUrl) && !/\bSELECT\b/i.test(inUrl)) return { sql: inUrl, data: body };
  if (inUrl === '') return { sql: body.toString('utf8') };
  return { sql: body.length === 0 ? inUrl : `${inUrl}\n${body.toString('utf8')}` };
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

function leftOut(what: string): EngineException {
  return EngineException.of('NOT_IMPLEMENTED', `The development face of ClickHouse does not support ${what}`);
}
