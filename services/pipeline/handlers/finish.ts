import { type Bus, completeBytesMax, packAnswer, tellIdempotencyEnd, unpackedContent } from '@tollgate/bus';
import {
  type CacheHit,
  Delivery,
  type End,
  type ErrorDetail,
  type KeptAnswer,
  RequestStatus,
  serverTiming,
  type UsageEvent,
} from '@tollgate/contracts';
import { errorTable, isErrorCode } from '@tollgate/errors';
import type { Run } from './run.ts';

const noContent = new Uint8Array(0);
/** What is written of a large answer before room is asked for. */
const partBytes = 128 * 1024;

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
    this.#tellKey(run, undefined);
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
    if (run.holdsKey) {
      const { provider, model, baseModel, tokens: served } = hit;
      const kept = { 'content-type': hit.contentType, 'x-tollgate-model': model };
      const requestId = run.request.requestId;
      this.#tellKey(run, { requestId, headers: kept, content: hit.body, provider, model, baseModel, served });
    }
    this.#answer(run, 200, headers, hit.body, { status: RequestStatus.CACHED, error: undefined });
  }

  /** What the request got that had the idempotency key before: nothing was used. A stream comes as it ended. */
  async replayed(run: Run, kept: KeptAnswer): Promise<void> {
    const content = await unpackedContent(kept);
    const headers = {
      ...kept.headers,
      'x-cache-status': 'BYPASS; reason=idempotency-key',
      'x-tollgate-replay-of': kept.requestId,
      'x-tollgate-cost-usd': '0',
    };
    const end = { status: RequestStatus.REPLAYED, error: undefined };
    const { answer } = run;
    const whole = content.length <= completeBytesMax;
    if (!whole) {
      run.sendHead();
      answer.response({ httpStatus: 200, headers: this.#timed(run, headers) });
      for (let start = 0; start < content.length && !answer.closed; start += partBytes) {
        if (!answer.write(content.subarray(start, start + partBytes))) await answer.drained();
      }
    }
    this.#row(run, (row) => {
      row.status = RequestStatus.REPLAYED;
      row.httpStatus = 200;
      row.cacheStatus = 'BYPASS';
      row.provider = kept.provider;
      row.model = kept.model;
      row.baseModel = kept.baseModel;
      row.served = kept.served ?? row.served;
      row.ttftMs = Date.now() - run.request.startedAtMs;
      if (answer.cancelled) row.delivered = whole ? Delivery.NONE : Delivery.PARTIAL;
    });
    if (whole) this.#answer(run, 200, headers, content, end);
    else answer.end(end);
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
    this.#tellKey(run, undefined);
  }

  /** What a retry with the same idempotency key will find: this answer, or nothing, so that it makes the call itself. */
  #tellKey(run: Run, kept: Omit<KeptAnswer, 'packed' | 'contentBytes'> | undefined): void {
    const { receipt, claim, request } = run;
    if (!run.holdsKey || !receipt || !claim) return;
    const { organizationId, teamId } = receipt;
    const holder = { requestId: request.requestId, organizationId, teamId, key: claim.key };
    const tell = (answer: Uint8Array | undefined) =>
      tellIdempotencyEnd(this.#bus, {
        ...holder,
        answer: answer ?? noContent,
        unkept: kept !== undefined && answer === undefined,
      });
    const packed = kept && packAnswer(kept);
    run.told = packed instanceof Promise ? packed.then(tell) : tell(packed);
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
    const head = { headers: run.headers, restore: run.restore, owner: '', stream: run.body.index.stream, surface };
    run.answer.complete({
      ...(!run.headSent && { head }),
      response: { httpStatus, headers: this.#timed(run, headers) },
      content,
      end,
    });
  }

  /** Who has no valid key is not told how long it took to find out. */
  #timed({ receipt, stageUs }: Run, headers: Record<string, string>): Record<string, string> {
    return receipt ? { ...headers, 'server-timing': serverTiming(stageUs) } : headers;
  }
}

function statusOf(code: string): number {
  return isErrorCode(code) ? errorTable[code].status : 500;
}
