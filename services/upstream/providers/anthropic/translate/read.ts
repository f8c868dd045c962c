import { isRecord, type JsonRecord } from '../../../domain/json.ts';
import { malformed } from './refuse.ts';

/** Members of a request as OpenAI's wire has them. Each throws TollgateError `invalid_request` that names the path. */

export function recordAt(value: unknown, path: string): JsonRecord {
  if (!isRecord(value)) throw malformed(path, 'an object');
  return value;
}

export function listAt(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw malformed(path, 'a list');
  return value;
}

export function textAt(value: unknown, path: string): string {
  if (typeof value !== 'string') throw malformed(path, 'a text');
  return value;
}

/** Undefined where it is left out. */
export function wholeAt(value: unknown, path: string): number | undefined {
  if (value == null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw malformed(path, 'a whole number');
  return value;
}

/** Undefined where it is left out. */
export function numberAt(value: unknown, path: string): number | undefined {
  if (value == null) return undefined;
  if (typeof value !== 'number') throw malformed(path, 'a number');
  return value;
}
