import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signAssertion } from './assertion.ts';
import { AUDIENCE, checkTokenRequest, type EntraRefusal, ISSUER } from './check.ts';

export interface EntraOptions {
  tenantId?: string;
  clientId?: string;
  scope?: string;
  /** Of each token; default 3,600. */
  expiresInSeconds?: number;
  /** As `refresh_in`; left out: not said. */
  refreshInSeconds?: number;
  /** Milliseconds since the epoch; default Date.now. */
  now?: () => number;
}

export interface TokenRequest {
  path: string;
  form: Record<string, string>;
  /** What it was answered with; 0 while it is held. */
  status: number;
}

/** A stand-in for Microsoft Entra's token endpoint, for one workload of one cluster. */
export interface EntraSimulator {
  /** The authority: `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly tenantId: string;
  readonly clientId: string;
  /** All that came, refused or not. */
  readonly requests: readonly TokenRequest[];
  /** What the cluster projects into the workload's file. */
  assertion(lifetimeSeconds?: number): string;
  /** Whether it issued this token, and the token has not run out. */
  isValid(token: string): boolean;
  /** Issued tokens are worth nothing any more. */
  revokeAll(): void;
  /** The next requests are refused so, whatever they say; undefined ends that. */
  refuse(refusal: EntraRefusal | undefined): void;
  /** The next requests are answered only when the function that comes back is called. */
  hold(): () => void;
  /** Resolves when so many requests have come in all. */
  waitForRequests(count: number): Promise<void>;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024;

/** It checks every field of the request and of the assertion, and answers with Entra's numbers. */
export async function startEntraSimulator(options: EntraOptions = {}): Promise<EntraSimulator> {
  const {
    tenantId = '11111111-2222-3333-4444-555555555555',
    clientId = '66666666-7777-8888-9999-000000000000',
    scope = 'https://cognitiveservices.azure.com/.default',
    expiresInSeconds = 3600,
    refreshInSeconds,
    now = Date.now,
  } = options;
  const secret = randomBytes(16).toString('hex');
  const subject = 'system:serviceaccount:tollgate:upstream';
  const events = new EventEmitter().setMaxListeners(0);
  const requests: TokenRequest[] = [];
  const expiries = new Map<string, number>();
  let refusal: EntraRefusal | undefined;
  let held: Promise<void> | undefined;

  const issue = () => {
    const token = `entra-${randomBytes(24).toString('base64url')}`;
    expiries.set(token, now() + expiresInSeconds * 1000);
    const refresh = refreshInSeconds === undefined ? {} : { refresh_in: refreshInSeconds };
    const times = { expires_in: expiresInSeconds, ext_expires_in: expiresInSeconds, ...refresh };
    return { token_type: 'Bearer', ...times, access_token: token };
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    const form = new URLSearchParams(await textOf(request));
    const entry: TokenRequest = { path, form: Object.fromEntries(form), status: 0 };
    requests.push(entry);
    events.emit('request');
    const waiting = held;
    if (waiting) await waiting;
    const expected = { tenantId, clientId, scope, secret, subject, nowSeconds: now() / 1000 };
    const wrong = refusal ?? checkTokenRequest(path, request.headers['content-type'], form, expected);
    entry.status = wrong?.status ?? 200;
    if (wrong?.retryAfterSeconds !== undefined) response.setHeader('retry-after', wrong.retryAfterSeconds);
    response.writeHead(entry.status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(wrong ? { error: wrong.error, error_description: wrong.description } : issue()));
  };

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tenantId,
    clientId,
    requests,
    assertion: (lifetimeSeconds = 3600) => {
      const iat = Math.floor(now() / 1000);
      return signAssertion({ iss: ISSUER, sub: subject, aud: AUDIENCE, iat, exp: iat + lifetimeSeconds }, secret);
    },
    isValid: (token) => (expiries.get(token) ?? 0) > now(),
    revokeAll: () => expiries.clear(),
    refuse: (next) => {
      refusal = next;
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
    waitForRequests: async (count) => {
      while (requests.length < count) await once(events, 'request');
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) break;
  }
  return text;
}
