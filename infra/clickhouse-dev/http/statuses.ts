import { Code } from '../engine/exception.ts';

const BY_CODE: ReadonlyMap<number, number> = new Map([
  [Code.REQUIRED_PASSWORD, 401],
  [192, 403], // UNKNOWN_USER
  [Code.AUTHENTICATION_FAILED, 403],
  [497, 403], // ACCESS_DENIED
  ...[46, 47, 50, 56, 60, 63, 73, 81, Code.UNKNOWN_SETTING].map((code) => [code, 404] as const), // UNKNOWN_…
  ...[6, 25, 26, 27, 36, 38, 41, 53, Code.SYNTAX_ERROR, 72, 117, 321, Code.BAD_REQUEST_PARAMETER, 456].map(
    (code) => [code, 400] as const,
  ), // CANNOT_PARSE_…, BAD_ARGUMENTS, TYPE_MISMATCH, INCORRECT_DATA, …
  [159, 408], // TIMEOUT_EXCEEDED
  [Code.QUERY_IS_TOO_LARGE, 413],
  [Code.NOT_IMPLEMENTED, 501],
  [Code.TOO_MANY_SIMULTANEOUS_QUERIES, 503],
  [Code.ABORTED, 503],
]);

/** The HTTP status that ClickHouse's server gives an exception (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp), 503 where callers should come again. */
export function httpStatus(code: number): number {
  return BY_CODE.get(code) ?? 500;
}
