import { Worker } from 'node:worker_threads';
import type { ScanOrder, ScanReport, ScanSetup } from './scan-messages.ts';

/** The thread ended with an order unfinished: it failed, ran out of memory, or out of time. */
export class ScanThreadLost extends Error {
  override readonly name = 'ScanThreadLost';
}

/** One scanning thread and the order that it works on. */
export class ScanThread {
  readonly #worker: Worker;
  #report: PromiseWithResolvers<ScanReport> | undefined;
  #lost = false;

  /** `memoryMibMax`: of its heap; a thread above it ends, the process does not. */
  constructor(setup: ScanSetup, memoryMibMax: number) {
    this.#worker = new Worker(new URL('./scan-worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: memoryMibMax },
    });
    this.#worker.on('message', (report: ScanReport) => {
      this.#worker.unref();
      this.#report?.resolve(report);
    });
    // What a thread throws may quote the text that it was scanning: only its class goes on.
    this.#worker.on('error', (fault) => this.#end(fault instanceof Error ? fault.name : typeof fault));
    this.#worker.on('exit', () => this.#end('exit'));
    this.#worker.unref();
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** One order at a time. A thread that is not done after `msMax` is ended. @throws ScanThreadLost */
  async run(order: ScanOrder, msMax: number): Promise<ScanReport> {
    this.#report = Promise.withResolvers<ScanReport>();
    this.#worker.ref();
    this.#worker.postMessage(order, [order.request.buffer]);
    const timer = setTimeout(() => {
      this.#end('out of time');
      void this.close();
    }, msMax);
    try {
      return await this.#report.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(reason: string): void {
    this.#lost = true;
    this.#report?.reject(new ScanThreadLost(reason));
  }
}
