import type { Exchange } from './exchange.ts';
import type { ContentFilterMode } from './filters.ts';
import type { IssuedUsage } from './usage.ts';

/** How many tokens the default filter holds back and then releases at once. */
const BURST_TOKENS = 16;

/** What keeps a silent connection awake: a comment, and an event that OpenAI's protocol does not know. */
const PING = ': keep-alive\n\nevent: ping\ndata: {"type":"ping"}\n\n';

interface StreamPace {
  firstTokenMs: number;
  tokensPerSecond: number | undefined;
}

export interface StreamShape {
  mode: ContentFilterMode;
  pace: StreamPace;
  promptTokens: number;
  cachedTokens: number;
  /** An event of the surface whose JSON is broken. */
  garbage: string;
  /** The surface's event for an error inside the stream. */
  errorEvent(): string;
}

export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export function namedEvent(type: string, data: unknown): string {
  return `event: ${type}\n${dataEvent(data)}`;
}

/** Where a surface sends its events. */
export interface EventSink {
  /** An event without content: it goes out at once, after what is held. */
  event(event: string): Promise<void>;
  /** A chunk with content. */
  content(event: string, tokens: number): Promise<void>;
  /** The final events; with them the answer is whole. */
  finish(events: string, usage: IssuedUsage, usageSent: boolean): Promise<void>;
}

/**
 * Writes a stream as the filter mode releases it, at the pace asked for, holding back while the caller does not read,
 * and breaks it where the call's fault says so. Every method throws ExchangeEnded when the stream is over.
 */
export class EventStream implements EventSink {
  readonly #exchange: Exchange;
  readonly #shape: StreamShape;
  readonly #burstTokens: number;
  #held = '';
  #heldTokens = 0;
  #sentTokens = 0;
  #chunks = 0;

  private constructor(exchange: Exchange, shape: StreamShape) {
    this.#exchange = exchange;
    this.#shape = shape;
    const { chunkDelayMs, gate } = exchange.fault;
    const bursts = shape.mode === 'default' && chunkDelayMs === undefined && gate === undefined;
    this.#burstTokens = bursts ? BURST_TOKENS : 1;
  }

  static async open(exchange: Exchange, shape: StreamShape): Promise<EventStream> {
    const { kind, contentType } = exchange.fault;
    const type = kind === 'contentType' ? (contentType ?? 'text/html') : 'text/event-stream; charset=utf-8';
    exchange.head(200, { 'content-type': type, 'cache-control': 'no-cache, must-revalidate' });
    exchange.response.flushHeaders();
    const stream = new EventStream(exchange, shape);
    if (kind === 'hangAfterHeaders') await exchange.hang();
    if (kind === 'cutAfterHeaders') {
      // An empty write resolves when the headers are out.
      await exchange.write('');
      exchange.cut();
    }
    exchange.progress(shape.promptTokens, shape.cachedTokens, 0);
    return stream;
  }

  async event(event: string): Promise<void> {
    await this.#release();
    await this.#exchange.write(event);
  }

  async content(event: string, tokens: number): Promise<void> {
    if (this.#chunks === (this.#exchange.fault.afterChunks ?? 0)) await this.#break();
    if (this.#chunks === 0) await this.#exchange.wait(this.#shape.pace.firstTokenMs);
    const { chunkDelayMs = 0, gate, pings } = this.#exchange.fault;
    await this.#exchange.wait(chunkDelayMs);
    if (gate !== undefined) await this.#exchange.passGate(gate);
    this.#chunks += 1;
    this.#held += pings ? PING + event : event;
    this.#heldTokens += tokens;
    if (this.#heldTokens >= this.#burstTokens) await this.#release();
  }

  async finish(events: string, usage: IssuedUsage, usageSent: boolean): Promise<void> {
    await this.#release();
    await this.#break();
    this.#exchange.finish(events, usage);
    this.#exchange.record.usageSent = usageSent;
  }

  async #release(): Promise<void> {
    if (this.#held === '') return;
    const { tokensPerSecond } = this.#shape.pace;
    if (tokensPerSecond !== undefined) await this.#exchange.wait((this.#heldTokens * 1000) / tokensPerSecond);
    const held = this.#held;
    this.#sentTokens += this.#heldTokens;
    this.#held = '';
    this.#heldTokens = 0;
    await this.#exchange.write(held);
    this.#exchange.progress(this.#shape.promptTokens, this.#shape.cachedTokens, this.#sentTokens);
  }

  /** Does what the fault says at this place; returns when it says nothing. */
  async #break(): Promise<void> {
    const exchange = this.#exchange;
    switch (exchange.fault.kind) {
      case 'hang':
        await this.#release();
        return exchange.hang();
      case 'cut':
        await this.#release();
        return exchange.cut();
      case 'truncate':
        await this.#release();
        return exchange.end();
      case 'garbage':
        await this.#release();
        return exchange.end(this.#shape.garbage);
      case 'errorInOk':
        await this.#release();
        return exchange.end(this.#shape.errorEvent());
    }
  }
}
