import { type ErrorCode, errorTable } from './table.ts';

export interface TollgateErrorOptions {
  /** Public text; default: the table's. Never a name of a replica, host or store, never a caller's text. */
  message?: string;
  /** The offending parameter, a JSON path. */
  param?: string;
  /** For logs only. */
  internal?: string;
  /** When the same request may succeed, ms from now. */
  retryAfterMs?: number;
  /** Further headers of the answer, names in lower case. */
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** An error with a row in the table: what the caller is told and what only logs see stay apart. */
export class TollgateError extends Error {
  override readonly name = 'TollgateError';
  readonly code: ErrorCode;
  readonly param?: string;
  readonly internal?: string;
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, options: TollgateErrorOptions = {}) {
    super(options.message ?? errorTable[code].message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.param = options.param;
    this.internal = options.internal;
    this.retryAfterMs = options.retryAfterMs;
    this.headers = options.headers;
  }
}
