import { type ErrorDetail, Surface } from '@tollgate/contracts';
import { anthropicErrorBody, errorBody } from '@tollgate/errors';
import { shapeOf } from './shape.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * The last bytes of a stream that broke after its first content, as the official clients raise it: chat gets a data
 * line with an `error`, responses a typed `error` event with the same nested once more, messages the `error` event of
 * Anthropic's API. Nothing follows it, no [DONE].
 */
export function streamError(surface: Surface, error: ErrorDetail, requestId: string, lastContent: Uint8Array): string {
  if (shapeOf(surface) === 'anthropic') return messagesEvent(anthropicErrorBody(error, requestId));
  return errorEvent(surface, { ...errorBody(error, requestId).error }, lastContent);
}

/**
 * A provider's own error answer for a caller whose stream has begun already: a ping committed the 200, so its status is lost
 * and its whole `error` is an event.
 */
export function streamRefusal(surface: Surface, body: Uint8Array): string {
  if (shapeOf(surface) === 'anthropic') return messagesEvent(refusalOf(body));
  return errorEvent(surface, errorOf(body), new Uint8Array(0));
}

/** Whether an event ends here, so that something may follow it: half an event cannot be taken back. */
export function endsEvent(content: Uint8Array): boolean {
  const { length } = content;
  if (length === 0) return true;
  if (content[length - 1] !== lineFeed) return false;
  const before = content[length - 2] === carriageReturn ? length - 3 : length - 2;
  return content[before] === lineFeed;
}

function errorEvent(surface: Surface, error: Record<string, unknown>, lastContent: Uint8Array): string {
  if (surface !== Surface.RESPONSES) return `data: ${JSON.stringify({ error })}\n\n`;
  const { code = null, message = '', param = null } = error;
  const event = { type: 'error', sequence_number: lastSequenceNumber(lastContent) + 1, code, message, param, error };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
}

function messagesEvent(body: object): string {
  return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
}

/** upstream only passes on what has an `error`; anything else is still told as one. */
function errorOf(body: Uint8Array): Record<string, unknown> {
  return refusalOf(body).error;
}

/** The whole of it, with what stands beside the `error`. */
function refusalOf(body: Uint8Array): { type?: unknown; error: Record<string, unknown> } {
  try {
    const refusal = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof refusal.error === 'object' && refusal.error !== null) return refusal;
  } catch {
    // Told below.
  }
  const error = {
    message: 'The provider refused this request.',
    type: 'invalid_request_error',
    code: 'invalid_request',
  };
  return { type: 'error', error };
}

/** The caller's events are numbered by the provider; the error continues the count. -1 when none was seen. */
function lastSequenceNumber(content: Uint8Array): number {
  let last = -1;
  for (const match of Buffer.from(content)
    .toString('latin1')
    .matchAll(/"sequence_number":\s*(\d+)/g))
    last = Number(match[1]);
  return last;
}
