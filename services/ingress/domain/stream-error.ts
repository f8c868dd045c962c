import { type ErrorDetail, Surface } from '@tollgate/contracts';
import { errorBody } from '@tollgate/errors';

/**
 * The last bytes of a stream that broke after its first content, as the official clients raise it: chat gets a data
 * line with an `error`, responses a typed `error` event with the same nested once more. Nothing follows it, no [DONE].
 */
export function streamError(surface: Surface, error: ErrorDetail, requestId: string, lastContent: Uint8Array): string {
  const body = errorBody(error, requestId);
  if (surface !== Surface.RESPONSES) return `data: ${JSON.stringify(body)}\n\n`;
  const { code, message, param } = body.error;
  const event = { type: 'error', sequence_number: lastSequenceNumber(lastContent) + 1, code, message, param, ...body };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
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
