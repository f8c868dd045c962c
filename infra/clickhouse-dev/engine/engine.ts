import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Addon, Connection } from './addon.ts';
import { Code, EngineException } from './exception.ts';
import { identifier, stringLiteral } from './quote.ts';
import { readonlyOf, setStatement } from './settings.ts';
import { Slots } from './slots.ts';
import { examine } from './statement.ts';
import { RUNNING_MAX } from './threads.ts';

const WAITING_MAX = 200;
/** KILL QUERY is repeated because it misses a query that the engine has not registered yet. */
const KILL_ATTEMPTS_MAX = 50;
const KILL_INTERVAL_MS = 100;

export interface Query {
  sql: string;
  /** Rows of an INSERT whose statement is `sql`. */
  data?: Buffer;
  /** Format of the answer unless the statement names one. */
  format: string;
  database?: string;
  settings: ReadonlyMap<string, string>;
  parameters: ReadonlyMap<string, string>;
}

export interface Answer {
  body: Buffer;
  elapsedNs: number;
  readRows: number;
  readBytes: number;
  writtenRows: number;
  writtenBytes: number;
}

/** The ClickHouse engine in this process. It owns its data folder: a second process is refused by the engine's lock. */
export class Engine {
  readonly #addon: Addon;
  readonly #folder: string;
  /** Keeps the data folder open between requests. */
  readonly #root: Connection;
  readonly #slots = new Slots(RUNNING_MAX, WAITING_MAX);
  readonly #running = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  #closing = false;

  /** @throws when another process owns the folder */
  constructor(addon: Addon, folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#addon = addon;
    this.#folder = folder;
    this.#root = addon.CreateConnection(folder);
  }

  /**
   * Runs one statement on a connection of its own, so that settings and parameters of two requests never meet.
   * @param signal cancels the query if it only reads; a write that has begun is finished.
   * @throws EngineException, or the signal's reason when it was cancelled
   */
  async run(query: Query, signal: AbortSignal): Promise<Answer> {
    if (this.#closing) throw shuttingDown();
    const gone = AbortSignal.any([signal, this.#stop.signal]);
    await this.#slots.acquire(gone);
    const work = this.#runOn(query, gone).finally(() => this.#slots.release());
    const settled = work.then(
      () => {},
      () => {},
    );
    this.#running.add(settled);
    void settled.finally(() => this.#running.delete(settled));
    return work;
  }

  async #runOn(query: Query, signal: AbortSignal): Promise<Answer> {
    const connection = this.#addon.CreateConnection(this.#folder);
    try {
      const { readOnly } = await examine(this.#addon, connection, query.sql, readonlyOf(query.settings));
      const logComment = randomUUID();
      if (query.database !== undefined) await this.#execute(connection, `USE ${identifier(query.database)}`);
      await this.#execute(connection, setStatement({ ...query, logComment }));
      signal.throwIfAborted();
      if (query.data !== undefined) return await this.#insert(connection, query.sql, query.data);
      const run = this.#addon.QueryAsyncConnection(connection, query.sql, query.format);
      const result = readOnly ? await this.#cancellable(run, logComment, signal) : await run;
      return {
        body: result.bytes,
        elapsedNs: Math.round(result.elapsed * 1e9),
        readRows: result.rowsRead,
        readBytes: result.bytesRead,
        writtenRows: 0,
        writtenBytes: 0,
      };
    } catch (error) {
      signal.throwIfAborted();
      throw EngineException.from(error);
    } finally {
      this.#addon.CloseConnection(connection);
    }
  }

  async #execute(connection: Connection, sql: string): Promise<void> {
    await this.#addon.QueryAsyncConnection(connection, sql, 'TabSeparated');
  }

  async #insert(connection: Connection, statement: string, data: Buffer): Promise<Answer> {
    const empty = { body: Buffer.alloc(0), elapsedNs: 0, readRows: 0, readBytes: 0, writtenRows: 0, writtenBytes: 0 };
    try {
      const result = await this.#addon.InsertRawAsyncConnection(connection, statement, data, false);
      const elapsedNs = Math.round(result.elapsed * 1e9);
      return { ...empty, elapsedNs, writtenRows: result.rowsWritten, writtenBytes: result.bytesWritten };
    } catch (error) {
      // A server takes an INSERT without rows as done; chDB calls it an error.
      if (EngineException.from(error).code === Code.NO_DATA_TO_INSERT) return empty;
      throw error;
    }
  }

  async #cancellable<T>(run: Promise<T>, logComment: string, signal: AbortSignal): Promise<T> {
    let settled = false;
    let killing: Promise<void> | undefined;
    const kill = async () => {
      for (let attempt = 0; attempt < KILL_ATTEMPTS_MAX && !settled; attempt++) {
        await this.#kill(logComment);
        await Promise.race([run.catch(() => {}), delay(KILL_INTERVAL_MS, undefined, { ref: false })]);
      }
    };
    const onAbort = () => {
      killing = kill();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await run;
    } finally {
      settled = true;
      signal.removeEventListener('abort', onAbort);
      // A KILL that still runs must not outlive the engine. That it failed matters to nobody once the query is over.
      await killing?.catch(() => {});
    }
  }

  async #kill(logComment: string): Promise<void> {
    const connection = this.#addon.CreateConnection(this.#folder);
    try {
      await this.#execute(
        connection,
        `KILL QUERY WHERE Settings['log_comment'] = ${stringLiteral(logComment)} ASYNC FORMAT Null`,
      );
    } finally {
      this.#addon.CloseConnection(connection);
    }
  }

  /** Takes nothing new; waits until nothing runs, after `graceMs` cancels what still reads. Writes are always waited for. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const cancel = setTimeout(() => this.#stop.abort(shuttingDown()), graceMs);
    while (this.#running.size > 0) await Promise.all(this.#running);
    clearTimeout(cancel);
    this.#stop.abort(shuttingDown());
    this.#addon.CloseConnection(this.#root);
  }
}

function shuttingDown(): EngineException {
  return EngineException.of('ABORTED', 'Server is shutting down');
}
