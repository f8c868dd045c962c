import { TollgateError } from '@tollgate/errors';
import { ClickHouseError, SchemaError } from '@tollgate/ledger';

/** What a faulty answer of the ledger is to whoever asked. */
export interface FaultContext {
  /** The statement is the caller's own: what the engine says against it is for the caller to read. */
  ownStatement: boolean;
  /** Our deadline passed. */
  lateAfterMs?: number;
}

/** About the engine and not about the statement. */
const engineFaults = new Set([
  'AUTHENTICATION_FAILED',
  'REQUIRED_PASSWORD',
  'UNKNOWN_USER',
  'ACCESS_DENIED',
  'UNKNOWN_DATABASE',
  'TABLE_IS_READ_ONLY',
  'KEEPER_EXCEPTION',
  'ALL_CONNECTION_TRIES_FAILED',
  'NETWORK_ERROR',
  'SOCKET_TIMEOUT',
  'NOT_ENOUGH_SPACE',
  'CANNOT_OPEN_FILE',
]);
const tooMany = 'TOO_MANY_SIMULTANEOUS_QUERIES';
const retryAfterMs = 5000;

/** Any error of a question to the ledger as one with a row in the table of errors. */
export function ledgerFault(error: unknown, { ownStatement, lateAfterMs }: FaultContext): TollgateError {
  if (error instanceof TollgateError) return error;
  if (error instanceof SchemaError) return unavailable(`The ledger is not ready: ${error.message}`, error);
  if (error instanceof RangeError) return new TollgateError('invalid_request', { message: error.message });
  if (lateAfterMs !== undefined)
    return unavailable(
      `The ledger did not answer within ${lateAfterMs / 1000} s: ask for less, or again later.`,
      error,
    );
  if (!(error instanceof ClickHouseError))
    return unavailable(
      'The ledger (ClickHouse) cannot be reached. Requests are served meanwhile, and their usage waits in NATS.',
      error,
    );
  if (error.type === tooMany) return new TollgateError('overloaded', { message: 'The ledger is busy.', retryAfterMs });
  if (engineFaults.has(error.type ?? ''))
    return unavailable('The ledger (ClickHouse) answers, but cannot be used; its log and ours say why.', error);
  if (ownStatement) return new TollgateError('invalid_request', { message: error.message, param: 'query' });
  return new TollgateError('internal_error', { internal: error.message, cause: error });
}

/** Whether the tables may be missing: then the schema says what is to be done. */
export function isMissingTable(error: unknown): boolean {
  return error instanceof ClickHouseError && ['UNKNOWN_TABLE', 'UNKNOWN_DATABASE'].includes(error.type ?? '');
}

function unavailable(message: string, cause: unknown): TollgateError {
  const internal = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new TollgateError('store_unavailable', { message, internal, retryAfterMs, cause });
}
