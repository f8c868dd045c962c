import { readProviderError, statusOfError } from '../provider-error.ts';
import type { Step } from './reader.ts';

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined for what is no JSON object. */
export function parseRecord(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An `error` that came as an event: it counts as the status that it stands for. */
export function errorStep(value: unknown): Step {
  const error = readProviderError(value);
  const body = Buffer.from(JSON.stringify({ error: value }));
  return { kind: 'error', status: statusOfError(error), error, refusal: { contentType: 'application/json', body } };
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
