import type { Bus } from '@tollgate/bus';
import {
  type CacheHit,
  Delivery,
  type End,
  type ErrorDetail,
  RequestStatus,
  serverTiming,
  type UsageEvent,
} from '@tollgate/contracts';
import { errorTable, isErrorCode } from '@tollgate/errors';
import type { Run } from './run.ts';

const noContent = new Uint8Array(0);

/** Answers of pipeline's own: the row first, then frame 0 with everything in it. */
export class Finish {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  refused(run: Run, error: ErrorDetail): void {
    const status = statusOf(error.code);
    // Our own faults are failures; what a caller or a budget caused is a refusal.
    const refusal = status < 500;
    this.#row(run, (row) => {
      row.status = refusal ? RequestStatus.REFUSED : RequestStatus.FAILED;
      row.httpStatus = status;
      row.code = error.code;
    });
    this.#answer(run, status, {}, noContent, { status: refusal ? RequestStatus.REFUSED : RequestStatus.FAILED, error });
  }

  hit(run: Run, hit: CacheHit): void {
    const latencyMs = Date.now() - run.request.startedAtMs;
    this.#row(run, (row) => {
      row.status = RequestStatus.CACHED;
      row.httpStatus = 200;
      row.cacheStatus = 'HIT';
      row.cacheSimilarity = hit.similarity;
      row.provider = hit.provider;
      row.model = hit.model;
      row.baseModel = hit.baseModel;
      row.served = hit.tokens ?? row.served;
      row.savedNanoUsd = hit.costNanoUsd;
      row.ttftMs = latencyMs;
    });
    const headers = {
      'content-type': hit.contentType,
      'x-cache-status': 'HIT',
      'x-tollgate-cache-similarity': hit.similarity.toFixed(4),
      age: String(hit.ageSeconds),
      'x-tollgate-model': hit.model,
      'x-tollgate-cost-usd': '0',
    };
    this.#answer(run, 200, headers, hit.body, { status: RequestStatus.CACHED, error: undefined });
  }

  /** What pipeline itself knows: nothing was used. */
  answered(run: Run, body: Buffer): void {
    this.#row(run, (row) => {
      row.status = RequestStatus.COMPLETED;
      row.httpStatus = 200;
    });
    const headers = { 'content-type': 'application/json' };
    this.#answer(run, 200, headers, body, { status: RequestStatus.COMPLETED, error: undefined });
  }

  /** The caller left while guards were running. */
  cancelled(run: Run): void {
    this.#row(run, (row) => {
      row.status = RequestStatus.CANCELLED;
      row.httpStatus = 499;
      row.code = 'client_closed_request';
      row.delivered = Delivery.NONE;
    });
  }

  #row(run: Run, fill: (row: UsageEvent) => void): void {
    const { row } = run;
    if (!row) return;
    fill(row);
    row.stageUs = run.stageUs;
    row.finishedAtMs = Date.now();
    row.latencyMs = row.finishedAtMs - run.request.startedAtMs;
    this.#bus.usage.publish(row);
  }

  #answer(
    run: Run,
    httpStatus: number,
    headers: Record<string, string>,
    content: Uint8Array,
    end: Omit<End, 'contentBytes'>,
  ): void {
    const { surface } = run.request;
    // Who has no valid key is not told how long it took to find out.
    const timing = run.receipt && { 'server-timing': serverTiming(run.stageUs) };
    run.answer.complete({
      head: { headers: run.headers, restore: run.restore, owner: '', stream: run.body.index.stream, surface },
      response: { httpStatus, headers: { ...headers, ...timing } },
      content,
      end,
    });
  }
}

function statusOf(code: string): number {
  return isErrorCode(code) ? errorTable[code].status : 500;
}
