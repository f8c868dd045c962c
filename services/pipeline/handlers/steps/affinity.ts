import { type Affinity, type RouteResult, Surface } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Run } from '../run.ts';

/** A conversation is with one resource; more marks than a change of keys explains are no conversation. */
const contentMarksMax = 16;
/** Each costs the router a MAC, some 3 µs; the longest conversations of agents have some hundred. */
const itemIdsMax = 1024;
/** None of ours is as long; what is longer finds nothing, and so need not be whole. */
const itemIdCharactersMax = 300;

/**
 * What binds this request to the resource that keeps its state; undefined where any target will do.
 * @throws TollgateError `invalid_request` for encrypted contents from everywhere, or too many items
 */
export function affinityOf({ request, body }: Run): Affinity | undefined {
  if (request.stored) {
    const { responseId, action } = request.stored;
    return { responseId, contentMarks: [], itemIds: [], action };
  }
  const { previousResponseId: responseId, marks, references: itemIds } = body.index;
  if (request.surface !== Surface.RESPONSES) return undefined;
  if (responseId === '' && marks.length === 0 && itemIds.length === 0) return undefined;
  if (itemIds.length > itemIdsMax) {
    const message = `"input" refers to more than ${itemIdsMax} items that are kept: go on with "previous_response_id".`;
    throw new TollgateError('invalid_request', { message, param: 'input' });
  }
  const contentMarks = body.contentMarks();
  if (contentMarks.length > contentMarksMax) {
    const message = 'The encrypted contents of "input" come from too many places: send those of one conversation.';
    throw new TollgateError('invalid_request', { message, param: 'input' });
  }
  if (responseId === '' && contentMarks.length === 0 && itemIds.length === 0) return undefined;
  return { responseId, contentMarks, itemIds: itemIds.map((id) => id.slice(0, itemIdCharactersMax)), action: '' };
}

/**
 * The request as the resource that was found knows it.
 * @throws TollgateError when the router left the response out; `invalid_request` for the events of one that has none
 */
export function bind(
  run: Run,
  { responseId, action }: Affinity,
  { providerResponseId, background }: RouteResult,
): void {
  if (background) run.background = { requestId: providerResponseId ?? '' };
  else if (run.request.stored?.stream) {
    const message = '"stream" is for responses that were made in the background, which this one was not.';
    throw new TollgateError('invalid_request', { message, param: 'stream' });
  }
  if (responseId !== '') {
    if (providerResponseId === undefined)
      throw new TollgateError('internal_error', { internal: 'guard-router gave a route without its response' });
    run.knownResponse = { providerId: providerResponseId, callersId: responseId };
  }
  if (action === '') run.body = run.body.asIssued(providerResponseId);
}
