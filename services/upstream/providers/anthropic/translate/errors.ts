import { isRecord, type JsonRecord } from '../../../domain/json.ts';
import { readProviderError, statusOfError } from '../../../domain/provider-error.ts';
import type { Translated } from '../../wire.ts';

/** An empty account is said as a bad request: it is the operator's to mend, and another provider can serve. */
const outOfCredit = /^your credit balance is too low/i;
/** OpenAI has a code for it, by which callers shorten what they send. */
const tooLong = /^(prompt is too long|input length and `max_tokens` exceed context limit)/i;

/** @param status of the HTTP answer; 0 for an event of a stream, which has none */
export function openaiError(value: unknown, status: number): { status: number; error: JsonRecord } {
  const { type, message } = isRecord(value) ? value : {};
  const name = typeof type === 'string' ? type : 'api_error';
  const text = typeof message === 'string' ? message : '';
  if (outOfCredit.test(text))
    return { status: 402, error: { message: text, type: 'billing_error', param: null, code: null } };
  const code = tooLong.test(text) ? 'context_length_exceeded' : null;
  return {
    status: status || statusOfError(readProviderError({ type: name })),
    error: { message: text, type: name, param: null, code },
  };
}

/** An `error` event. */
export function errorEvent(event: JsonRecord): Translated {
  const { status, error } = openaiError(event.error, 0);
  const body = Buffer.from(JSON.stringify({ error }));
  const refusal = { contentType: 'application/json', body };
  return { kind: 'error', status, error: readProviderError(error), refusal };
}
