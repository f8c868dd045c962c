import type { Addon, Connection } from './addon.ts';
import { EngineException } from './exception.ts';
import { stringLiteral } from './quote.ts';

/** chDB's classes of statements (`chdb_query_class`). */
const READ_ONLY = 0;
const CONTROL = 3;
const UNKNOWN = 4;

export interface Statement {
  /** Leaves no trace: it may be cancelled when its caller leaves, and analysts may run it. */
  readOnly: boolean;
}

/**
 * Lets the engine's parser say what a text is, and refuses what ClickHouse's HTTP interface refuses.
 *
 * `readonly=1` alone is not enough in chDB: it let `INTO OUTFILE` write a file, `KILL QUERY` through, and a `SETTINGS` clause lift the limits
 * that the caller was given.
 * @param readonly 0 everything, 1 reading without a change of settings, 2 reading; as ClickHouse's setting of that name.
 * @throws EngineException SYNTAX_ERROR, READONLY, INTO_OUTFILE_NOT_ALLOWED
 */
export async function examine(
  addon: Addon,
  connection: Connection,
  sql: string,
  readonly: 0 | 1 | 2,
): Promise<Statement> {
  const { statementCount, queryClass } = await addon.DurableClassifyAsync(connection, sql, null);
  if (statementCount > 1) throw EngineException.of('SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)');
  const readOnly = queryClass === READ_ONLY;
  if (queryClass === UNKNOWN || queryClass === CONTROL || readonly === 1) {
    const clauses = withoutQuotes(await canonical(addon, connection, sql));
    if (/ INTO OUTFILE /.test(clauses)) {
      throw EngineException.of('INTO_OUTFILE_NOT_ALLOWED', 'INTO OUTFILE is not allowed');
    }
    if (readonly === 1 && / SETTINGS /.test(clauses)) {
      throw EngineException.of('READONLY', 'Cannot modify settings in readonly mode');
    }
  }
  if (readonly > 0 && !readOnly) throw EngineException.of('READONLY', 'Cannot execute query in readonly mode');
  return { readOnly };
}

/** The statement as the engine writes it: keywords in capitals, one blank between words, no comments. Raises its syntax errors. */
async function canonical(addon: Addon, connection: Connection, sql: string): Promise<string> {
  const query = `SELECT formatQuerySingleLine(${stringLiteral(sql)})`;
  const { bytes } = await addon.QueryAsyncConnection(connection, query, 'RawBLOB');
  return `${bytes.toString('utf8')} `;
}

function withoutQuotes(text: string): string {
  return text.replaceAll(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"/g, "''");
}
