import { TollgateError } from '@tollgate/errors';
import type { ScanOrder, ScanReport } from './scan-messages.ts';
import { ScanThread, ScanThreadLost } from './scan-thread.ts';

/** Large requests waiting and being scanned, bytes. */
const bytesMaxDefault = 256 * 1024 * 1024;

/** Of a thread's heap: 64 MiB of text, twice as UTF-16, masked and encoded. */
const threadMemoryMibMax = 1024;

export interface ScanPoolOptions {
  regions: readonly string[];
  threadsMax: number;
  bytesMax?: number;
}

interface Waiting {
  order: ScanOrder;
  deadlineMs: number;
  report: PromiseWithResolvers<ScanReport>;
}

/** Threads that scan large requests. They are started when they are first needed and kept. */
export class ScanPool {
  readonly #options: ScanPoolOptions;
  readonly #idle: ScanThread[] = [];
  readonly #busy = new Set<ScanThread>();
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  constructor(options: ScanPoolOptions) {
    this.#options = options;
  }

  /** Threads that run. */
  get threads(): number {
    return this.#idle.length + this.#busy.size;
  }

  /**
   * Scans an encoded GuardRequest, whose memory is given away. `deadlineMs` is on the clock of performance.now().
   * @throws TollgateError `overloaded` at the bound of bytes, `guard_unavailable` when the thread failed or was too slow
   */
  async scan(order: ScanOrder, deadlineMs: number): Promise<ScanReport> {
    const bytes = order.request.byteLength;
    if (this.#bytes + bytes > (this.#options.bytesMax ?? bytesMaxDefault)) {
      throw new TollgateError('overloaded', { retryAfterMs: 1000, internal: 'too many large texts to scan' });
    }
    this.#bytes += bytes;
    const report = Promise.withResolvers<ScanReport>();
    this.#waiting.push({ order, deadlineMs, report });
    this.#next();
    try {
      return await report.promise;
    } finally {
      this.#bytes -= bytes;
    }
  }

  async close(): Promise<void> {
    for (const { report } of this.#waiting.splice(0)) report.reject(new ScanThreadLost('stopped'));
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((thread) => thread.close()));
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const thread = this.#thread();
    if (thread === undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) void this.#run(thread, waiting);
  }

  #thread(): ScanThread | undefined {
    while (this.#idle.length > 0) {
      const thread = this.#idle.pop();
      if (thread?.lost === false) return thread;
    }
    if (this.#busy.size >= this.#options.threadsMax) return undefined;
    return new ScanThread({ regions: this.#options.regions }, threadMemoryMibMax);
  }

  async #run(thread: ScanThread, { order, deadlineMs, report }: Waiting): Promise<void> {
    this.#busy.add(thread);
    const leftMs = deadlineMs - performance.now();
    try {
      // Nobody waits for it any more: its place goes to the next one.
      if (leftMs <= 0) throw new ScanThreadLost('out of time while waiting');
      report.resolve(await thread.run(order, leftMs));
    } catch (fault) {
      const internal = `scan failed: ${fault instanceof ScanThreadLost ? fault.message : 'not sent'}`;
      report.reject(new TollgateError('guard_unavailable', { internal, retryAfterMs: 1000 }));
    }
    this.#busy.delete(thread);
    if (!thread.lost) this.#idle.push(thread);
    this.#next();
  }
}
