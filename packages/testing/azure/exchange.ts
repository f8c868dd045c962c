import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { SharedCore } from './core.ts';
import type { ProviderError } from './errors.ts';
import type { FaultSpec, Surface } from './faults.ts';
import { providerHeaders } from './headers.ts';
import type { RecordedCall } from './recorder.ts';
import { type IssuedUsage, issuedUsage } from './usage.ts';

/** Thrown to unwind a call about which nothing more can be said: the caller left, or a fault ended it. */
export class ExchangeEnded extends Error {}

/** One call and its answer: what was sent so far, whether the caller is still there, and its record. */
export class Exchange {
  readonly response: ServerResponse;
  readonly record: RecordedCall;
  /** Aborted when the connection of the answer is gone or the answer is finished. */
  readonly signal: AbortSignal;
  fault: FaultSpec = {};
  readonly #core: SharedCore;
  readonly #headers: Record<string, string>;
  /** Whether the totals know of this call. */
  counted = false;
  #deployment: string | undefined;
  #whole = false;
  #disturbed = false;

  /** @param headers of every answer */
  constructor(
    core: SharedCore,
    surface: Surface,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    headers: Record<string, string> = azureHeaders(request),
  ) {
    this.#core = core;
    this.response = response;
    this.record = core.recorder.open({
      receivedAt: core.options.now(),
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      surface,
      body,
    });
    this.#headers = headers;
    const gone = new AbortController();
    this.signal = gone.signal;
    response.once('close', () => {
      gone.abort();
      this.#ended();
    });
  }

  /** Counts the call and tells those who wait for it, as soon as it is known what it asks for. */
  received(deployment: string | undefined, stream: boolean): void {
    this.counted = true;
    this.#deployment = deployment;
    if (deployment !== undefined) this.record.deployment = deployment;
    this.record.stream = stream;
    this.#core.totals.received(deployment);
    this.#core.recorder.changed();
  }

  addHeaders(headers: Record<string, string>): void {
    Object.assign(this.#headers, headers);
  }

  head(status: number, headers: Record<string, string | number>): void {
    if (this.signal.aborted) throw new ExchangeEnded();
    this.record.status = status;
    this.response.writeHead(status, { ...this.#headers, ...headers });
  }

  /** Waits, unless the caller leaves first. @throws ExchangeEnded */
  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await delay(ms, undefined, { signal: this.signal }).catch(() => {
      throw new ExchangeEnded();
    });
  }

  /** Waits until the gate lets a chunk pass, unless the caller leaves first. @throws ExchangeEnded */
  async passGate(name: string): Promise<void> {
    await this.#core.gates.pass(name, this.signal);
    if (this.signal.aborted) throw new ExchangeEnded();
  }

  /** Resolves when the system took the bytes, so a slow reader holds the writer back. @throws ExchangeEnded */
  async write(bytes: string): Promise<void> {
    if (this.signal.aborted) throw new ExchangeEnded();
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(new ExchangeEnded());
      this.signal.addEventListener('abort', gone, { once: true });
      this.response.write(bytes, () => {
        this.signal.removeEventListener('abort', gone);
        resolve();
      });
    });
  }

  /** A whole successful answer ends here. */
  finish(bytes: string, usage?: IssuedUsage): void {
    if (usage) {
      this.record.usage = usage;
      this.record.usageSent = true;
    }
    this.#whole = true;
    this.response.end(bytes);
  }

  refuse({ status, body, headers }: ProviderError): void {
    this.refuseWith(status, 'application/json', JSON.stringify(body), headers);
  }

  refuseWith(status: number, contentType: string, body: string, headers: Record<string, string> = {}): void {
    this.head(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body), ...headers });
    this.response.end(body);
  }

  /** Ends in good HTTP order what is no whole answer. */
  end(bytes = ''): never {
    this.#disturbed = true;
    this.response.end(bytes);
    throw new ExchangeEnded();
  }

  /** @param reset with a TCP reset, else in good order for TCP */
  cut(reset = false): never {
    this.#disturbed = true;
    if (reset) this.response.socket?.resetAndDestroy();
    else this.response.socket?.destroy();
    throw new ExchangeEnded();
  }

  async hang(): Promise<never> {
    this.response.flushHeaders();
    await this.gone();
    throw new ExchangeEnded();
  }

  /** Says nothing at all until the caller leaves. */
  async gone(): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** What the answer has cost so far, in case it never gets to its end. */
  progress(promptTokens: number, cachedTokens: number, completionTokens: number): void {
    this.record.usage = issuedUsage({ promptTokens, cachedTokens, completionTokens });
  }

  #ended(): void {
    const { record } = this;
    const sent = this.response.writableFinished;
    record.endedAt = this.#core.options.now();
    record.completed = sent && this.#whole;
    record.aborted = !sent && !this.#disturbed;
    if (this.counted) this.#core.totals.ended(this.#deployment, record);
    this.#core.recorder.changed();
  }
}

function azureHeaders({ headers }: IncomingMessage): Record<string, string> {
  const clientRequestId = headers['x-ms-client-request-id'];
  return providerHeaders(typeof clientRequestId === 'string' ? clientRequestId : undefined);
}
