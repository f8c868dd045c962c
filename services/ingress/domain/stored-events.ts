import { TollgateError } from '@tollgate/errors';
import type { StoredPath } from './path.ts';

/** The number of an event is uint32 on the wire; no stream has so many. */
const numberMax = 0xffff_ffff;

/**
 * Which events of a response are wanted, by OpenAI's API reference ("Get a model response": `stream`, `starting_after`); nothing where
 * none are.
 * @throws TollgateError `invalid_request` for a `starting_after` that is no number of an event
 */
export function eventsAsked(action: StoredPath['action'], url: string): { stream?: true; startingAfter?: number } {
  const mark = url.indexOf('?');
  if (action !== 'retrieve' || mark < 0) return {};
  const query = new URLSearchParams(url.slice(mark + 1));
  const stream = query.get('stream');
  if (stream === null || stream === 'false') return {};
  const after = query.get('starting_after');
  if (after === null) return { stream: true };
  const startingAfter = /^\d{1,10}$/.test(after) ? Number(after) : Number.NaN;
  if (!(startingAfter <= numberMax)) {
    const message = '"starting_after" must be the sequence_number of an event.';
    throw new TollgateError('invalid_request', { message, param: 'starting_after' });
  }
  return { stream: true, startingAfter };
}
