import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';

/** Request headers that may reach a provider; every other one stays here, credentials above all. */
const passed = ['openai-beta', 'anthropic-beta', 'anthropic-version'] as const;

const cacheControls = new Set(['no-store', 'no-cache', 'only-if-cached']);
const metadataKeysMax = 16;
const metadataValueLengthMax = 512;
const timeoutMsMax = 280_000;
/** To ask for the same again there is no second call to pay for. */
const makesNothing: ReadonlySet<Surface> = new Set([Surface.MODELS, Surface.STORED_RESPONSES]);
const idempotencyKeyForm = /^[\x20-\x7e]{1,255}$/;
const noHash = new Uint8Array(0);

/** SHA-256 of the presented key: from here on the key itself exists nowhere. Empty when none was presented. */
export function keyHash(headers: IncomingHttpHeaders): Uint8Array {
  const key = first(headers['x-api-key']) ?? first(headers['api-key']) ?? bearer(headers.authorization);
  return key === undefined || key === '' ? noHash : hash('sha256', key, 'buffer');
}

export function passedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of passed) {
    const value = first(headers[name]);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** @throws TollgateError `invalid_request` for a value outside the three that exist. */
export function cacheControl(headers: IncomingHttpHeaders): string {
  const value = first(headers['x-tollgate-cache']);
  if (value === undefined) return '';
  if (cacheControls.has(value)) return value;
  throw invalid('x-tollgate-cache', 'must be no-store, no-cache or only-if-cached');
}

/** Milliseconds until the deadline: the caller's wish within the gateway's bound of 280 s. */
export function timeoutMs(headers: IncomingHttpHeaders): number {
  const value = first(headers['x-tollgate-timeout-ms']);
  if (value === undefined) return timeoutMsMax;
  const wished = Number(value);
  if (Number.isInteger(wished) && wished > 0) return Math.min(wished, timeoutMsMax);
  throw invalid('x-tollgate-timeout-ms', 'must be a whole number of milliseconds above 0');
}

/** @throws TollgateError `invalid_request` unless it is a flat JSON object of at most 16 short strings, numbers or booleans. */
export function metadata(headers: IncomingHttpHeaders): Record<string, string> {
  const value = first(headers['x-tollgate-metadata']);
  if (value === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    throw invalid('x-tollgate-metadata', 'is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalid('x-tollgate-metadata', 'must be a JSON object');
  const entries = Object.entries(parsed);
  if (entries.length > metadataKeysMax) throw invalid('x-tollgate-metadata', `has more than ${metadataKeysMax} keys`);
  const result: Record<string, string> = {};
  for (const [key, entry] of entries) {
    if (!['string', 'number', 'boolean'].includes(typeof entry))
      throw invalid('x-tollgate-metadata', `must be flat; "${key.slice(0, 40)}" is not`);
    const text = String(entry);
    if (key.length > 64 || text.length > metadataValueLengthMax)
      throw invalid('x-tollgate-metadata', 'has a key over 64 or a value over 512 characters');
    result[key] = text;
  }
  return result;
}

/**
 * What the caller calls this request, so that a retry is not a second one. Undefined: it does not say, or nothing is made.
 * @throws TollgateError `invalid_request` unless it is 1 to 255 characters of printable ASCII (Stripe's bound, which clients know)
 */
export function idempotencyKey(headers: IncomingHttpHeaders, surface: Surface): string | undefined {
  const value = first(headers['idempotency-key']);
  if (value === undefined || makesNothing.has(surface)) return undefined;
  if (idempotencyKeyForm.test(value)) return value;
  throw invalid('idempotency-key', 'must have 1 to 255 printable ASCII characters');
}

/** Untrusted, a column of the ledger only; longer ones are cut. */
export function clientRequestId(headers: IncomingHttpHeaders): string {
  return (first(headers['x-request-id']) ?? '').slice(0, 128);
}

function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length < 8) return undefined;
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? authorization.slice(7).trim() : undefined;
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function invalid(param: string, what: string): TollgateError {
  return new TollgateError('invalid_request', { message: `The header ${param} ${what}.`, param });
}
