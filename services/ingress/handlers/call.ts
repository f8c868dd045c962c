import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Acceptance, acceptWithinMs, type Bus, payloadBytesMax, subjects } from '@tollgate/bus';
import { encode, LeaseCut, Request } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Pings } from '../adapters/pings.ts';
import type { CallPath, StoredPath } from '../domain/path.ts';
import {
  cacheControl,
  clientRequestId,
  idempotencyKey,
  keyHash,
  metadata,
  passedHeaders,
  timeoutMs,
} from '../domain/request-headers.ts';
import { mintRequestId } from '../domain/request-id.ts';
import { eventsAsked } from '../domain/stored-events.ts';
import { storedQuery } from '../domain/stored-query.ts';
import { Answer } from './answer.ts';

export interface CallDependencies {
  bus: Bus;
  acceptance: Acceptance;
  pings: Pings;
}

const noBody = new Uint8Array(0);

/** Sends a caller's request to the pipelines and lets the answer be written as it comes. */
export function handleCall(
  { bus, acceptance, pings }: CallDependencies,
  incoming: IncomingMessage,
  response: ServerResponse,
  path: CallPath,
  body: Uint8Array,
): void {
  const startedAtMs = Date.now();
  const requestId = mintRequestId(startedAtMs);
  const answer = new Answer(requestId, response, pings, path.surface);
  let request: Request;
  try {
    request = readRequest(requestId, startedAtMs, bus.inbox, incoming, path, body);
  } catch (error) {
    answer.fail(toErrorDetail(error));
    return;
  }
  const receiver = bus.awaited.open(requestId, {
    onAccepted: (controlSubject) => {
      acceptance.delete(requestId);
      if (request.body.length < request.bodyBytes) bus.bodies.send(requestId, body, controlSubject);
    },
    onFrame: (frame) => {
      acceptance.delete(requestId);
      answer.frame(frame);
    },
    onRejected: (error) =>
      refuse(new TollgateError('overloaded', { retryAfterMs: error?.retryAfterMs || 1000, internal: error?.internal })),
    onLost: (dispatched) => {
      // Nobody else knows it: the owner is gone, and of a lease that ran out no row would say that content went out.
      if (dispatched && answer.hasContent) bus.publish(subjects.leaseCut, encode(LeaseCut, { requestId }));
      answer.fail(lost(dispatched));
    },
  });
  answer.receiver = receiver;
  response.once('close', () => {
    acceptance.delete(requestId);
    bus.bodies.forget(requestId);
    answer.abandon();
  });
  const refuse = (error: TollgateError) => {
    answer.fail(toErrorDetail(error));
    receiver.cancel('superseded');
  };
  acceptance.add(requestId, () =>
    refuse(new TollgateError('overloaded', { retryAfterMs: 1000, internal: 'no pipeline accepted the request' })),
  );
  if (!bus.offer(subjects.request, encode(Request, request), requestId)) {
    acceptance.delete(requestId);
    refuse(new TollgateError('bus_unavailable', { retryAfterMs: 1000 }));
  }
}

function readRequest(
  requestId: string,
  startedAtMs: number,
  ingressInbox: string,
  incoming: IncomingMessage,
  path: CallPath,
  body: Uint8Array,
): Request {
  const { headers } = incoming;
  const idempotent = idempotencyKey(headers, path.surface);
  return {
    requestId,
    startedAtMs,
    deadlineAtMs: startedAtMs + timeoutMs(headers),
    acceptByMs: startedAtMs + acceptWithinMs,
    ingressInbox,
    keyHash: keyHash(headers),
    surface: path.surface,
    context: path.context,
    pathModel: path.model,
    clientRequestId: clientRequestId(headers),
    clientAddress: incoming.socket.remoteAddress ?? '',
    headers: passedHeaders(headers),
    metadata: metadata(headers),
    cacheControl: cacheControl(headers),
    bodyBytes: body.length,
    body: body.length <= payloadBytesMax ? body : noBody,
    ...(idempotent !== undefined && { idempotencyKey: idempotent }),
    ...(path.stored && storedFields(path.stored, incoming.url ?? '')),
  };
}

/** What a call by id is about stands in its path: a body, if there is one, is nobody's. */
function storedFields({ responseId, action }: StoredPath, url: string) {
  const stored = { responseId, action, query: storedQuery(action, url), ...eventsAsked(action, url) };
  return { stored, bodyBytes: 0, body: noBody };
}

function lost(dispatched: boolean) {
  const code = dispatched ? 'gateway_interrupted' : 'overloaded';
  return toErrorDetail(
    new TollgateError(
      code,
      dispatched ? { internal: 'upstream went silent' } : { retryAfterMs: 1000, internal: 'pipeline went silent' },
    ),
  );
}
