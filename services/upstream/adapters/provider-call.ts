import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface CallListener {
  onHead(status: number, headers: IncomingHttpHeaders): void;
  /** False: stop reading until resume(). */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  onBroken(error: Error): void;
}

export interface CallRequest {
  origin: string;
  method: 'POST' | 'GET' | 'DELETE';
  path: string;
  /** Names and values in turn. */
  headers: string[];
  /** Null: none. */
  body: Buffer | null;
}

/** One HTTP call on a pool: the client's events without its streams, and a way to stop it at any moment. */
export class ProviderCall implements Dispatcher.DispatchHandler {
  /** Its request has begun to leave on a connection. */
  sent = false;
  readonly #listener: CallListener;
  #controller: Dispatcher.DispatchController | undefined;
  #aborted = false;
  #over = false;

  constructor(listener: CallListener) {
    this.#listener = listener;
  }

  start(pool: Dispatcher, { origin, method, path, headers, body }: CallRequest): void {
    try {
      pool.dispatch({ origin, path, method, headers, body }, this);
    } catch (error) {
      this.onResponseError(undefined, error as Error);
    }
  }

  /** No event follows. A connection in the middle of an answer cannot be used again and is closed. */
  abort(): void {
    this.#aborted = true;
    if (!this.#over) this.#controller?.abort(new Error('the gateway does not wait for this answer any more'));
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was given up while it waited for a connection: nothing may leave.
    if (this.#aborted) controller.abort(new Error('given up before it was sent'));
    else this.sent = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (!this.#aborted && status >= 200) this.#listener.onHead(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#aborted && !this.#listener.onData(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#over = true;
    if (!this.#aborted) this.#listener.onEnd();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#over = true;
    if (!this.#aborted) this.#listener.onBroken(error);
  }
}
