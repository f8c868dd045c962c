import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseBody, Refusal, settle } from '../azure/call.ts';
import type { SharedCore } from '../azure/core.ts';
import type { Deployment } from '../azure/deployments.ts';
import { breakBeforeHeaders, chooseFault, readMarked } from '../azure/disturb.ts';
import type { ProviderError } from '../azure/errors.ts';
import { Exchange, ExchangeEnded } from '../azure/exchange.ts';
import type { FaultSpec } from '../azure/faults.ts';
import { faultHeaders } from '../azure/headers.ts';
import { type JsonRecord, stringOf } from '../azure/json.ts';
import { promptTokens } from '../azure/prompt-tokens.ts';
import { bodyText, sendResult } from '../azure/result.ts';
import { EventStream, namedEvent } from '../azure/sse.ts';
import { issuedUsage } from '../azure/usage.ts';
import { askOfMessages, thinkingOf } from './ask.ts';
import {
  errorForStatus,
  invalidJson,
  invalidRequest,
  keyInvalid,
  keyMissing,
  modelNotFound,
  rateLimited,
} from './errors.ts';
import { limitHeaders, providerHeaders } from './headers.ts';
import { newId } from './ids.ts';
import { writeMessage } from './message.ts';
import { messageJson, streamMessage } from './message-stream.ts';
import type { ResolvedOptions } from './options.ts';
import { problemOf } from './validate.ts';

export interface AnthropicCore extends SharedCore {
  options: ResolvedOptions;
}

interface Call {
  core: AnthropicCore;
  exchange: Exchange;
  requestId: string;
  model: Deployment;
  body: JsonRecord;
}

type MessagesSurface = 'messages' | 'count_tokens';

const GARBAGE = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n';

/** Answers POST /v1/messages, or /v1/messages/count_tokens. */
export function callHandler(core: AnthropicCore, surface: MessagesSurface) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.hijack();
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const requestId = newId('req_01');
    const exchange = new Exchange(core, surface, request.raw, reply.raw, raw, providerHeaders(requestId));
    const refuse = (error: ProviderError) => new Refusal(named(error, requestId));
    await settle(exchange, async () => {
      let name: string | undefined;
      let stream = false;
      try {
        const problem = headersProblem(request, core.options.apiKey);
        if (problem) throw refuse(problem);
        const body = parseBody(raw, () => named(invalidJson(), requestId));
        name = stringOf(body.model);
        stream = surface === 'messages' && body.stream === true;
        const wrong = problemOf(body, surface);
        if (wrong) throw refuse(wrong);
        const model = core.options.models.get(name ?? '');
        if (!model) throw refuse(modelNotFound(name ?? ''));
        exchange.received(name, stream);
        const call = { core, exchange, requestId, model, body };
        await (surface === 'messages' ? answer(call) : count(call));
      } catch (error) {
        if (error instanceof Refusal && !exchange.counted) exchange.received(name, stream);
        throw error;
      }
    });
  };
}

async function answer(call: Call): Promise<void> {
  const { core, exchange, model, body } = call;
  const ask = readMarked(() => askOfMessages(body));
  await disturb(call, ask.fault);
  const { fault } = exchange;
  const message = await writeMessage(ask, model.model, thinkingOf(body), fault);
  const { usage } = message;
  core.quotas.charge(model, usage.totalTokens);
  const { firstTokenMs, tokensPerSecond } = core.options;
  if (body.stream !== true) {
    await exchange.wait(firstTokenMs + (tokensPerSecond ? (usage.completionTokens * 1000) / tokensPerSecond : 0));
    return sendResult(exchange, messageJson(message, fault), usage);
  }
  const stream = await EventStream.open(exchange, {
    mode: 'off',
    pace: { firstTokenMs, tokensPerSecond },
    promptTokens: usage.promptTokens,
    cachedTokens: usage.cachedTokens,
    garbage: GARBAGE,
    errorEvent: () => namedEvent('error', JSON.parse(errorText(call))),
  });
  await streamMessage(stream, message, fault);
}

/** Counting is free: what it reads is issued to nobody. */
async function count(call: Call): Promise<void> {
  const ask = readMarked(() => askOfMessages(call.body));
  await disturb(call, ask.fault);
  await sendResult(call.exchange, { input_tokens: await promptTokens(ask.turns, ask.tools) }, issuedUsage({}));
}

/** The model's own limit, and the faults that need no answer. @throws Refusal, ExchangeEnded */
async function disturb(call: Call, marked: FaultSpec | undefined): Promise<void> {
  const { core, exchange, model, requestId } = call;
  const fault = chooseFault(core, exchange, model.name, marked);
  const nowMs = core.options.now();
  const quota = core.quotas.admit(model);
  exchange.addHeaders(limitHeaders(quota, nowMs));
  if (quota.exceeded) {
    exchange.addHeaders({ 'retry-after': String(Math.ceil(quota.windowEndsInMs / 1000)) });
    throw new Refusal(named(rateLimited(quota.exceeded === 'call' ? 'requests' : 'tokens'), requestId));
  }
  exchange.addHeaders(faultHeaders(fault, nowMs));
  await breakBeforeHeaders(exchange);
  if (fault.kind === 'status') {
    exchange.refuseWith(fault.status ?? 500, fault.contentType ?? 'application/json', errorText(call));
    throw new ExchangeEnded();
  }
  if (fault.kind === 'errorInOk' && !exchange.record.stream) {
    exchange.refuseWith(200, 'application/json', errorText(call));
    throw new ExchangeEnded();
  }
}

/** The error that the call's fault asks for: its own, or what Anthropic says with that status. */
function errorText({ exchange, requestId }: Call): string {
  const { body, status = 500 } = exchange.fault;
  return body === undefined ? JSON.stringify(named(errorForStatus(status), requestId).body) : bodyText(body);
}

function named(error: ProviderError, requestId: string): ProviderError {
  return { ...error, body: { ...error.body, request_id: requestId } as ProviderError['body'] };
}

function headersProblem({ headers }: FastifyRequest, apiKey: string): ProviderError | undefined {
  const key = headers['x-api-key'];
  if (key === undefined) return keyMissing();
  if (key !== apiKey) return keyInvalid();
  return headers['anthropic-version'] === undefined
    ? invalidRequest('anthropic-version: header is required')
    : undefined;
}
