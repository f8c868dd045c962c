import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The only version this face is written for: it speaks to the native addon below chDB's JavaScript, which has no promise of stability. */
const CHDB_VERSION = '3.4.0';

/** Opaque handle of one native connection. Each has its own settings and bound parameters; all share the data folder. */
export type Connection = { readonly connection: unique symbol };

interface NativeResult {
  bytes: Buffer;
  elapsed: number;
  rowsRead: number;
  bytesRead: number;
}

interface NativeInsertResult {
  elapsed: number;
  rowsWritten: number;
  bytesWritten: number;
}

/** What a text consists of, told by the engine's own parser. Values of `queryClass` as in the C interface `chdb_query_class`. */
interface NativeAnalysis {
  statementCount: number;
  queryClass: number;
}

/**
 * The native functions that are used. They are called directly and not through chDB's `Session`, because `Session.close()` waits
 * for every query of the process: one long query would pile up the connections of all short ones behind it.
 */
export interface Addon {
  CreateConnection(folder: string): Connection;
  /** Only when nothing runs on that connection any more. */
  CloseConnection(connection: Connection): void;
  QueryAsyncConnection(connection: Connection, sql: string, format: string): Promise<NativeResult>;
  InsertRawAsyncConnection(
    connection: Connection,
    statement: string,
    body: Buffer,
    countLines: boolean,
  ): Promise<NativeInsertResult>;
  DurableClassifyAsync(connection: Connection, sql: string, targetDatabase: null): Promise<NativeAnalysis>;
}

const NEEDED = [
  'CreateConnection',
  'CloseConnection',
  'QueryAsyncConnection',
  'InsertRawAsyncConnection',
  'DurableClassifyAsync',
] as const;

/**
 * Loads chDB from `folder`/node_modules. It is no dependency of the repository: its native packages exist for a few platforms only.
 * @throws when it is missing, has another version, or was not built for this platform.
 */
export function loadAddon(folder: string): Addon {
  const require = createRequire(join(folder, 'package.json'));
  const packageFolder = join(folder, 'node_modules', 'chdb');
  if (!existsSync(packageFolder)) {
    throw new Error(
      `chDB is not in ${folder}: run \`npm install --prefix ${folder} chdb@${CHDB_VERSION}\`, or name another folder in TOLLGATE_CHDB_PATH`,
    );
  }
  const { version } = require(join(packageFolder, 'package.json')) as { version: string };
  if (version !== CHDB_VERSION) {
    throw new Error(
      `chDB ${version} is in ${folder}, but exactly ${CHDB_VERSION} is needed: run \`npm install --prefix ${folder} chdb@${CHDB_VERSION}\``,
    );
  }
  const loader = require(join(packageFolder, 'dist', 'loader.js')) as { loadNative(): Addon };
  const addon = loader.loadNative();
  const missing = NEEDED.filter((name) => typeof addon[name] !== 'function');
  if (missing.length > 0) throw new Error(`chDB ${version} in ${folder} lacks ${missing.join(', ')}: install it again`);
  return addon;
}
