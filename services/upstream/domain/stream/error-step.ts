import { readProviderError, statusOfError } from '../provider-error.ts';
import type { Step } from './reader.ts';

/** An `error` that came as an event: it counts as the status that it stands for. */
export function errorStep(value: unknown): Step {
  const error = readProviderError(value);
  const body = Buffer.from(JSON.stringify({ error: value }));
  return { kind: 'error', status: statusOfError(error), error, refusal: { contentType: 'application/json', body } };
}
