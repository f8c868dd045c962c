import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { retryAfterMs } from '../domain/webhook-retry.ts';

export interface SenderOptions {
  /** Variables that name a proxy, as curl reads them. */
  proxyEnv: Readonly<Record<string, string | undefined>>;
  /** For a whole delivery, the receiver's answer included. */
  timeoutMs: number;
  now(): number;
}

export interface Sending {
  url: string;
  body: string;
  headers: Record<string, string>;
  signal: AbortSignal;
}

export interface SendingAnswer {
  status: number;
  /** What the receiver asked for. */
  retryAfterMs: number | undefined;
}

/** What more a receiver has to say is cut off. */
const answerBytesMax = 64 * 1024;

/** Sends bodies to receivers of webhooks. Redirects are not followed; of an answer the head counts. */
export class WebhookSender {
  readonly #options: SenderOptions;
  readonly #http: http.Agent;
  readonly #https: https.Agent;

  constructor(options: SenderOptions) {
    this.#options = options;
    const proxyEnv = { ...options.proxyEnv };
    this.#http = new http.Agent({ proxyEnv });
    this.#https = new https.Agent({ proxyEnv });
  }

  /** @throws Error without the URL when no answer came in time */
  async send({ url, body, headers, signal }: Sending): Promise<SendingAnswer> {
    const { timeoutMs, now } = this.#options;
    const late = AbortSignal.timeout(timeoutMs);
    const target = new URL(url);
    const plain = target.protocol === 'http:';
    const request = (plain ? http : https).request(target, {
      method: 'POST',
      agent: plain ? this.#http : this.#https,
      headers: {
        ...headers,
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'tollgate-webhooks',
      },
      signal: AbortSignal.any([signal, late]),
    });
    try {
      request.end(body);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const { statusCode = 0, headers: answered } = response;
      await passBy(response);
      return { status: statusCode, retryAfterMs: retryAfterMs(answered['retry-after'], now()) };
    } catch (error) {
      if (late.aborted) throw new Error(`no answer within ${timeoutMs} ms`);
      throw new Error((error as NodeJS.ErrnoException).code ?? 'the connection failed');
    } finally {
      // What is left of an answer that was cut off.
      request.on('error', () => {});
      request.destroy();
    }
  }
}

/** A receiver that was heard to the end need not log a broken connection. */
async function passBy(response: http.IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes > answerBytesMax) return;
    }
  } catch {
    // Its status came whole, which is all that counts.
  }
}
