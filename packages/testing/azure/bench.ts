import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  BENCH_COMPLETION_TOKENS,
  type BenchShape,
  type BenchSurface,
  benchTemplates,
  type Template,
} from './bench-templates.ts';
import type { Core } from './core.ts';
import { bodyTooLarge, deploymentNotFound, type ProviderError } from './errors.ts';
import { modelHeaders, providerHeaders } from './headers.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { issuedUsage } from './usage.ts';

interface BenchDeployment {
  name: string;
  templates: Record<BenchSurface, Record<BenchShape, Template>>;
  /** Names and values in turn. */
  headers: string[];
}

interface Route {
  surface: BenchSurface;
  /** Undefined: the body names it. */
  deployment: BenchDeployment | undefined;
  classic: boolean;
}

// Ids need to be unique, not secret: a random start and a counter cost less than random bytes for each.
const ID_DIGITS = 40;
const BYTES_PER_TOKEN = 4;
/** Of a longer body only its first and last chunks are searched: reading 16 MiB would keep the small calls waiting that are measured. */
const SEARCHED_BYTES_MAX = 256 * 1024;

/**
 * Answers completions and responses from prebuilt bytes in front of the ordinary server, which gets everything else
 * (and every call that would be refused for its key or its path). A body's JSON is searched, not parsed.
 */
export async function benchFront(core: Core): Promise<(next: RequestListener) => RequestListener> {
  const deployments = await benchDeployments(core);
  const routes = benchRoutes(deployments);
  const { apiKey } = core.options;
  const bearer = `Bearer ${apiKey}`;
  const start = randomBytes(12).toString('hex');
  let calls = 0;

  const answer = (route: Route, { body, bytes }: Received, response: ServerResponse): void => {
    const deployment = route.deployment ?? deployments.get(stringField(body, 'model') ?? '');
    if (!deployment) {
      refuse(response, deploymentNotFound());
      return;
    }
    calls += 1;
    const id = start + calls.toString(16).padStart(ID_DIGITS - start.length, '0');
    const promptTokens = Math.ceil(bytes / BYTES_PER_TOKEN);
    const shape = shapeOf(body);
    const text = deployment.templates[route.surface][shape].fill(id, promptTokens);
    const type = shape === 'json' ? 'application/json' : 'text/event-stream; charset=utf-8';
    // A flat list spares Node a pass over the headers; a string goes out in one write with them.
    const length = String(Buffer.byteLength(text));
    response.writeHead(200, [...deployment.headers, 'content-type', type, 'content-length', length]);
    core.totals.received(deployment.name);
    response.end(text, () => {
      const completionTokens = BENCH_COMPLETION_TOKENS;
      const usage = issuedUsage({ promptTokens, completionTokens });
      core.totals.ended(deployment.name, { completed: true, aborted: false, usage });
    });
  };

  return (next) => (request, response) => {
    const url = request.url ?? '';
    const query = url.indexOf('?');
    const route = routes.get(query < 0 ? url : url.slice(0, query));
    const { 'api-key': key, authorization } = request.headers;
    const keyFits = key === apiKey || (key === undefined && authorization === bearer);
    const versionFits = route?.classic === (query >= 0 && url.includes('api-version=', query));
    if (!route || request.method !== 'POST' || !keyFits || !versionFits) return next(request, response);
    readBody(request, (received) => {
      if (received) answer(route, received, response);
      else refuse(response, bodyTooLarge());
    });
  };
}

async function benchDeployments(core: Core): Promise<Map<string, BenchDeployment>> {
  const deployments = new Map<string, BenchDeployment>();
  const seconds = Math.floor(core.options.now() / 1000);
  for (const deployment of core.deployments.values()) {
    if (deployment.task !== 'chat') continue;
    const headers = { ...providerHeaders(undefined), ...modelHeaders(deployment, core.quotas.admit(deployment)) };
    const templates = await benchTemplates(deployment, seconds);
    deployments.set(deployment.name, { name: deployment.name, templates, headers: Object.entries(headers).flat() });
  }
  return deployments;
}

function benchRoutes(deployments: Map<string, BenchDeployment>): Map<string, Route> {
  const routes = new Map<string, Route>([
    ['/openai/responses', { surface: 'responses', deployment: undefined, classic: true }],
    ['/openai/v1/responses', { surface: 'responses', deployment: undefined, classic: false }],
    ['/openai/v1/chat/completions', { surface: 'chat', deployment: undefined, classic: false }],
  ]);
  for (const deployment of deployments.values()) {
    const path = `/openai/deployments/${encodeURIComponent(deployment.name)}/chat/completions`;
    routes.set(path, { surface: 'chat', deployment, classic: true });
  }
  return routes;
}

interface Received {
  /** What is searched. */
  body: Buffer;
  /** Of the whole body. */
  bytes: number;
}

/** Undefined when the body is larger than the simulator receives. */
function readBody(request: IncomingMessage, done: (received: Received | undefined) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > SEARCHED_BYTES_MAX && chunks.length > 1) chunks.pop();
    chunks.push(chunk);
  });
  request.on('end', () => {
    const [first] = chunks;
    if (bytes > BODY_BYTES_MAX) done(undefined);
    else done({ body: chunks.length === 1 && first ? first : Buffer.concat(chunks), bytes });
  });
}

function refuse(response: ServerResponse, { status, body }: ProviderError): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function shapeOf(body: Buffer): BenchShape {
  if (!isTrue(body, 'stream')) return 'json';
  return isTrue(body, 'include_usage') ? 'streamWithUsage' : 'stream';
}

// Inside a JSON string each quote is escaped, so an unescaped key is a key, though perhaps a nested one.
function fieldAt(body: Buffer, name: string, from: number): { at: number; rest: string } | undefined {
  const key = `"${name}"`;
  const at = body.indexOf(key, from, 'latin1');
  return at < 0 ? undefined : { at, rest: body.toString('latin1', at + key.length, at + key.length + 128) };
}

function isTrue(body: Buffer, name: string): boolean {
  for (let field = fieldAt(body, name, 0); field; field = fieldAt(body, name, field.at + 1)) {
    if (/^\s*:\s*true\b/.test(field.rest)) return true;
  }
  return false;
}

function stringField(body: Buffer, name: string): string | undefined {
  for (let field = fieldAt(body, name, 0); field; field = fieldAt(body, name, field.at + 1)) {
    const value = /^\s*:\s*"([^"\\]*)"/.exec(field.rest)?.[1];
    if (value !== undefined) return value;
  }
  return undefined;
}
