import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { FaultKind, Surface } from './faults.ts';
import type { IssuedUsage } from './usage.ts';

/** Larger bodies are kept as length, hash and this much of their beginning. */
const RECORDED_BODY_BYTES_MAX = 65_536;

export interface RecordedCall {
  /** 1, 2, 3, … in order of arrival; never reused, not even after a reset. */
  sequence: number;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  endedAt?: number;
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingHttpHeaders;
  surface: Surface;
  /** As the call named it; undefined where it named none. */
  deployment?: string;
  stream: boolean;
  /** Raw, up to RECORDED_BODY_BYTES_MAX. */
  body: string;
  bodyBytes: number;
  bodySha256: string;
  bodyTruncated: boolean;
  fault?: FaultKind | 'modifier';
  /** Undefined until headers were sent. */
  status?: number;
  /** The caller left before the end. */
  aborted: boolean;
  /** A whole successful answer went out. */
  completed: boolean;
  /** Tokens of what was generated and sent so far; the whole answer's once it is completed. */
  usage?: IssuedUsage;
  /** Whether the caller was told these figures. */
  usageSent: boolean;
}

export interface CallFilter {
  deployment?: string;
  surface?: Surface;
  /** Only calls that came after this one. */
  afterSequence?: number;
  /** Only calls that ended (true) or still run (false). */
  ended?: boolean;
}

export interface WaitOptions {
  /** How many calls must match; default 1. */
  count?: number;
  /** Default 10,000. */
  timeoutMs?: number;
}

export interface ReceivedCall {
  receivedAt: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  surface: Surface;
  body: Buffer;
}

const WAIT_MS = 10_000;

/** A bounded ring of the calls received; the oldest falls out. */
export class Recorder {
  readonly #callsMax: number;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #calls: RecordedCall[] = [];
  #lastSequence = 0;

  constructor(callsMax: number) {
    this.#callsMax = callsMax;
  }

  /** The returned record is live: the call writes what becomes known of it, then says `changed`. */
  open(call: ReceivedCall): RecordedCall {
    this.#lastSequence += 1;
    const { body, ...known } = call;
    const record: RecordedCall = {
      sequence: this.#lastSequence,
      ...known,
      stream: false,
      body: body.subarray(0, RECORDED_BODY_BYTES_MAX).toString('utf8'),
      bodyBytes: body.length,
      bodySha256: createHash('sha256').update(body).digest('hex'),
      bodyTruncated: body.length > RECORDED_BODY_BYTES_MAX,
      aborted: false,
      completed: false,
      usageSent: false,
    };
    if (this.#callsMax > 0) {
      this.#calls.push(record);
      if (this.#calls.length > this.#callsMax) this.#calls.shift();
    }
    return record;
  }

  changed(): void {
    this.#changes.emit('change');
  }

  calls(filter: CallFilter = {}): RecordedCall[] {
    return this.#calls.filter((call) => passes(call, filter)).map((call) => structuredClone(call));
  }

  /** Resolves as soon as enough calls match. @throws Error after timeoutMs, saying what it waited for. */
  waitForCalls(filter: CallFilter = {}, { count = 1, timeoutMs = WAIT_MS }: WaitOptions = {}): Promise<RecordedCall[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#changes.off('change', check);
        const found = this.calls(filter).length;
        reject(new Error(`${found} of ${count} calls matched ${JSON.stringify(filter)} within ${timeoutMs} ms`));
      }, timeoutMs);
      const check = () => {
        const found = this.calls(filter);
        if (found.length < count) return;
        clearTimeout(timer);
        this.#changes.off('change', check);
        resolve(found);
      };
      this.#changes.on('change', check);
      check();
    });
  }

  reset(): void {
    this.#calls = [];
  }
}

function passes(call: RecordedCall, filter: CallFilter): boolean {
  return (
    (filter.deployment === undefined || call.deployment === filter.deployment) &&
    (filter.surface === undefined || call.surface === filter.surface) &&
    (filter.afterSequence === undefined || call.sequence > filter.afterSequence) &&
    (filter.ended === undefined || (call.endedAt !== undefined) === filter.ended)
  );
}
