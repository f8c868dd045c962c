import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from './core.ts';
import type { Deployment } from './deployments.ts';
import {
  badRequest,
  deploymentNotFound,
  invalidJson,
  invalidKey,
  invalidToken,
  missingParameter,
  operationNotSupported,
  type ProviderError,
  resourceNotFound,
} from './errors.ts';
import { Exchange, ExchangeEnded } from './exchange.ts';
import type { Surface } from './faults.ts';
import { isRecord, type JsonRecord, stringOf } from './json.ts';

/** The classic paths need an `api-version`, the v1 paths have none of the dated ones. */
export type PathForm = 'classic' | 'v1';

export interface Call {
  core: Core;
  exchange: Exchange;
  deployment: Deployment;
  body: JsonRecord;
  /** Undefined on the v1 paths. */
  apiVersion: string | undefined;
}

interface SurfaceFacts {
  task: Deployment['task'];
  /** As Azure calls it when the model cannot do it. */
  operation: string;
}

const SURFACES: Record<Exclude<Surface, 'models' | 'messages' | 'count_tokens'>, SurfaceFacts> = {
  chat: { task: 'chat', operation: 'chatCompletion' },
  responses: { task: 'chat', operation: 'responses' },
  embeddings: { task: 'embeddings', operation: 'embeddings' },
};

const RESPONSES_SINCE = '2025-03-01';

/** Thrown while a call is read, to be answered as it stands. */
export class Refusal extends Error {
  readonly answer: ProviderError;

  constructor(answer: ProviderError) {
    super(String(answer.body.error.message));
    this.answer = answer;
  }
}

/** @throws Refusal without the key, or where tokens are asked for, without one of those */
export function checkCredential(headers: IncomingHttpHeaders, { apiKey, tokens }: Core['options']): void {
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const key = stringOf(headers['api-key']);
  // Whoever sends a key beside the token holds one, which is what tokens are there to avoid.
  if (tokens && (bearer === undefined || key !== undefined || !tokens.isValid(bearer)))
    throw new Refusal(invalidToken());
  const given = Buffer.from(key ?? bearer ?? '');
  const expected = Buffer.from(apiKey);
  const fits = given.length === expected.length && timingSafeEqual(given, expected);
  if (!tokens && !fits) throw new Refusal(invalidKey());
}

/** @throws Refusal when the path's form and the query's `api-version` do not fit. */
export function checkApiVersion(form: PathForm, surface: Surface, query: unknown): string | undefined {
  const version = isRecord(query) ? stringOf(query['api-version']) : undefined;
  const dated = version !== undefined && /^\d{4}-\d{2}-\d{2}/.test(version);
  if (form === 'v1') {
    if (dated) throw new Refusal(badRequest('API version not supported'));
    return undefined;
  }
  if (version === undefined || version === '') throw new Refusal(resourceNotFound());
  if (surface === 'responses' && dated && version < RESPONSES_SINCE) {
    const message = `Azure OpenAI Responses API is enabled only for api-version ${RESPONSES_SINCE}-preview and later`;
    throw new Refusal(badRequest(message));
  }
  return version;
}

/** @param refusal of what is no JSON object @throws Refusal */
export function parseBody(raw: Buffer, refusal: () => ProviderError = invalidJson): JsonRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw.toString('utf8'));
  } catch {
    throw new Refusal(refusal());
  }
  if (!isRecord(parsed)) throw new Refusal(refusal());
  return parsed;
}

function findDeployment(core: Core, surface: keyof typeof SURFACES, name: string | undefined): Deployment {
  if (name === undefined) throw new Refusal(missingParameter('model'));
  const deployment = core.deployments.get(name);
  if (!deployment) throw new Refusal(deploymentNotFound());
  const { task, operation } = SURFACES[surface];
  if (deployment.task !== task) throw new Refusal(operationNotSupported(operation, deployment.model));
  return deployment;
}

/** Reads a call up to the point where its deployment is known, then lets `answer` do the rest. */
export function callHandler(
  core: Core,
  surface: keyof typeof SURFACES,
  form: PathForm,
  answer: (call: Call) => Promise<void>,
) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.hijack();
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const exchange = new Exchange(core, surface, request.raw, reply.raw, raw);
    await settle(exchange, async () => {
      let named: string | undefined;
      let stream = false;
      try {
        checkCredential(request.headers, core.options);
        const apiVersion = checkApiVersion(form, surface, request.query);
        const body = parseBody(raw);
        stream = body.stream === true;
        named = isRecord(request.params) ? stringOf(request.params.deployment) : undefined;
        named ??= stringOf(body.model);
        const deployment = findDeployment(core, surface, named);
        exchange.received(named, stream);
        await answer({ core, exchange, deployment, body, apiVersion });
      } catch (error) {
        // A call that was refused before its deployment was known has not been counted yet.
        if (error instanceof Refusal && !exchange.counted) exchange.received(named, stream);
        throw error;
      }
    });
  };
}

/** Runs what answers a call and turns what it throws into an answer, if there is still somebody to answer. */
export async function settle(exchange: Exchange, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ExchangeEnded || exchange.signal.aborted) return;
    if (error instanceof Refusal) exchange.refuse(error.answer);
    else if (exchange.response.headersSent) exchange.response.destroy();
    else exchange.refuse({ status: 500, body: { error: { code: 'SimulatorFailure', message: String(error) } } });
  }
}
