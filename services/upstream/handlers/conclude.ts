import type { IncomingHttpHeaders } from 'node:http';
import { type Bus, completeBytesMax, subjects } from '@tollgate/bus';
import {
  CacheFill,
  Delivery,
  type ErrorDetail,
  encode,
  isMessages,
  RequestStatus,
  Surface,
  serverTiming,
  type Target,
  type TokenCounts,
} from '@tollgate/contracts';
import { anthropicErrorBody, errorBody, errorTable, isErrorCode, TollgateError, toErrorDetail } from '@tollgate/errors';
import { usdText } from '../domain/cost.ts';
import type { Fault } from '../domain/fault.ts';
import { incomingHeaders } from '../domain/headers.ts';
import type { ResponseNames } from '../domain/response-names.ts';
import { deliveryOf, endRow } from '../domain/row.ts';
import { noTokens } from '../domain/usage.ts';
import type { Run, RunAnswer } from './run.ts';

export interface Served {
  target: Target;
  tokens: TokenCounts;
  costNanoUsd: number;
  /** The whole answer as JSON, when a cache may keep it. */
  canonical: Uint8Array | undefined;
}

/** What is written of a large JSON answer before room is asked for again. */
const partBytes = 128 * 1024;
const noContent = new Uint8Array(0);

/** Ends requests: the row first, then what the cache may keep, then the end of the answer, in one turn on one connection. */
export class Conclude {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** A whole JSON answer. */
  async json(run: Run, served: Served, headers: IncomingHttpHeaders, body: Buffer): Promise<void> {
    run.firstContentAtMs ||= Date.now();
    const response = {
      httpStatus: 200,
      headers: { ...answerHeaders(run, served.target, headers), ...costHeader(served) },
    };
    const whole = body.length <= completeBytesMax;
    if (!whole) {
      run.answer.response(response);
      await writeParts(run.answer, body);
    }
    this.#completed(run, served, RequestStatus.COMPLETED, !whole);
    this.#fill(run, served);
    const end = { status: RequestStatus.COMPLETED, error: undefined };
    if (whole) run.answer.complete({ response, content: body, end });
    else run.answer.end(end);
  }

  /** A stream that its provider ended; `tail` holds its last event. */
  stream(run: Run, served: Served, tail: Buffer, failed: boolean): void {
    const status = failed ? RequestStatus.FAILED : RequestStatus.COMPLETED;
    this.#completed(run, served, status, run.firstContentAtMs > 0);
    if (!failed) this.#fill(run, served);
    run.answer.write(tail);
    run.answer.end({ status, error: undefined });
  }

  /** The provider's own error, as it is but for the names of responses. */
  refused(run: Run, target: Target, fault: Fault & { kind: 'status' }, names: ResponseNames | undefined): void {
    const { status, refusal, error } = fault;
    const detail = toErrorDetail(
      new TollgateError('invalid_request', { message: 'The provider refused this request.' }),
    );
    const own = refusal?.body ?? Buffer.from(JSON.stringify(told(run, detail)));
    const body = names ? names.renameIn(own) : own;
    const headers = { ...answerHeaders(run, target, {}), 'content-type': refusal?.contentType ?? 'application/json' };
    this.#row(run, RequestStatus.FAILED, status, error.code || error.type || 'invalid_request', undefined, noTokens);
    const end = { status: RequestStatus.FAILED, error: undefined };
    run.answer.complete({ response: { httpStatus: status, headers }, content: body, end });
  }

  /** No target answered; nothing was sent. */
  failed(run: Run, error: unknown): void {
    const detail = toErrorDetail(error);
    const httpStatus = statusOf(detail);
    this.#row(run, RequestStatus.FAILED, httpStatus, detail.code, undefined, noTokens);
    const response = { httpStatus, headers: ownHeaders(run) };
    run.answer.complete({ response, content: noContent, end: { status: RequestStatus.FAILED, error: detail } });
  }

  /** The answer broke after its first content: an honest end, never a clean one. */
  truncated(run: Run, target: Target, seen: TokenCounts, error: TollgateError): void {
    this.#row(run, RequestStatus.TRUNCATED, 200, error.code, target, seen, Delivery.PARTIAL);
    run.answer.end({ status: RequestStatus.TRUNCATED, error: toErrorDetail(error) });
  }

  /** Nobody waits for the answer any more. */
  cancelled(run: Run, target: Target | undefined, seen: TokenCounts): void {
    const code =
      run.stopped === 'deadline'
        ? 'upstream_timeout'
        : run.stopped === 'client_gone' || run.stopped === 'cancelled'
          ? 'client_closed_request'
          : 'gateway_interrupted';
    const delivered = deliveryOf(run.firstContentAtMs > 0, true);
    this.#row(run, RequestStatus.CANCELLED, errorTable[code].status, code, target, seen, delivered);
  }

  #completed(run: Run, { target, tokens }: Served, status: RequestStatus, contentSent: boolean): void {
    const code = status === RequestStatus.FAILED ? 'upstream_error' : '';
    const delivered = deliveryOf(contentSent, run.answer.cancelled);
    this.#row(run, status, 200, code, target, tokens, delivered);
  }

  #row(
    run: Run,
    status: RequestStatus,
    httpStatus: number,
    code: string,
    target: Target | undefined,
    served: TokenCounts,
    delivered: Delivery = Delivery.COMPLETE,
  ): void {
    const { row, firstContentAtMs } = run;
    const upstreamUs = upstreamUsOf(run);
    const end = {
      status,
      httpStatus,
      code,
      delivered,
      // No model works when a response is asked for by its id, or when tokens are counted.
      target: run.dispatch.stored || run.dispatch.surface === Surface.COUNT_TOKENS ? undefined : target,
      served,
      firstContentAtMs,
      upstreamUs,
      nowMs: Date.now(),
    };
    endRow(row, end);
    // One in the background is published by who writes its end, once that is written.
    if (!run.background) this.#bus.usage.publish(row);
  }

  /**
   * Offers the answer to the cache. It leaves before the answer's end, so it is on its way before whoever reads the answer
   * can ask again: a repeat does not race it, and nobody waits.
   */
  #fill(run: Run, { canonical, target, tokens, costNanoUsd }: Served): void {
    const plan = run.dispatch.cacheFill;
    if (!plan || !canonical || run.row.estimated) return;
    const { requestId } = run;
    const { provider, model, baseModel } = target;
    const fill = { requestId, plan, answer: canonical, provider, model, baseModel, tokens, costNanoUsd };
    const message = encode(CacheFill, fill);
    if (message.length <= completeBytesMax) this.#bus.publish(subjects.cacheFill, message);
  }
}

async function writeParts(answer: RunAnswer, body: Buffer): Promise<void> {
  for (let start = 0; start < body.length; start += partBytes) {
    if (!answer.write(body.subarray(start, start + partBytes))) await answer.drained();
  }
}

/** Where the provider's own words do not pass. */
function told({ requestId, dispatch: { surface } }: Run, detail: ErrorDetail): object {
  return isMessages(surface) ? anthropicErrorBody(detail, requestId) : errorBody(detail, requestId);
}

function statusOf({ code }: ErrorDetail): number {
  return isErrorCode(code) ? errorTable[code].status : errorTable.internal_error.status;
}

/** What every answer of a target carries. */
export function answerHeaders(run: Run, target: Target, headers: IncomingHttpHeaders): Record<string, string> {
  return { ...incomingHeaders(headers), 'x-tollgate-model': target.model, ...ownHeaders(run) };
}

/** Attempts that are over, and the one that is not in the row yet; how long each stage took, this one so far. */
function ownHeaders(run: Run): Record<string, string> {
  const { row, attempt } = run;
  return {
    'x-tollgate-attempts': String(row.attempts.length + (attempt ? 1 : 0)),
    'server-timing': serverTiming({ ...row.stageUs, upstream: upstreamUsOf(run) }),
  };
}

function upstreamUsOf({ startedAt }: Run): number {
  return Math.round((performance.now() - startedAt) * 1000);
}

function costHeader({ costNanoUsd }: Served): Record<string, string> {
  return { 'x-tollgate-cost-usd': usdText(costNanoUsd) };
}
