import type { Exchange } from './exchange.ts';
import type { IssuedUsage } from './usage.ts';

/** Sends a whole JSON answer, or what the call's fault makes of it. @throws ExchangeEnded when a fault ended the call. */
export async function sendResult(exchange: Exchange, answer: object, usage?: IssuedUsage): Promise<void> {
  const { fault } = exchange;
  const json = 'application/json';
  const body = JSON.stringify(answer);
  const half = body.slice(0, Math.ceil(body.length / 2));
  const head = (contentType: string, bytes: string) => {
    exchange.head(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(bytes) });
  };
  switch (fault.kind) {
    case 'hangAfterHeaders':
      head(json, body);
      return exchange.hang();
    case 'cutAfterHeaders':
      head(json, body);
      exchange.response.flushHeaders();
      await exchange.write('');
      return exchange.cut();
    case 'hang':
      head(json, body);
      await exchange.write(half);
      return exchange.hang();
    case 'cut':
      head(json, body);
      await exchange.write(half);
      return exchange.cut();
    case 'truncate':
      head(json, half);
      return exchange.end(half);
    case 'garbage': {
      const garbage = `${half}\u0000<<<`;
      head(json, garbage);
      return exchange.end(garbage);
    }
    case 'contentType': {
      const bytes = fault.body === undefined ? body : bodyText(fault.body);
      head(fault.contentType ?? 'text/html', bytes);
      return exchange.finish(bytes, usage);
    }
    default:
      head(json, body);
      exchange.finish(body, usage);
  }
}

export function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}
