import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { TeamName } from '../installation/configuration.ts';
import type { RequestPlan } from '../plan/request-plan.ts';
import { type Answer, noAnswer, readAnswer } from './answer.ts';

/** Nobody waits longer; a caller that hears nothing for so long was left hanging. */
const answerMsMax = 90_000;

/**
 * `whole`: the protocol's proper end; `error`: an error that says what happened; `left`: the caller went away; `broken`: the
 * connection broke; `cut`: it ended without a proper end and without an error; `silent`: nothing in time.
 */
type End = 'whole' | 'error' | 'left' | 'broken' | 'cut' | 'silent';

export interface Outcome extends Answer {
  plan: RequestPlan;
  bodyBytes: number;
  sentAtMs: number;
  endedAtMs: number;
  /** 0: no answer began. */
  status: number;
  /** Tollgate's own; empty when no answer began. */
  requestId: string;
  end: End;
}

export interface Target {
  gatewayUrl: string;
  keys: Readonly<Record<TeamName, string>>;
}

/** Sends one request as it is planned, without any retry. Never rejects. */
export async function call({ gatewayUrl, keys }: Target, plan: RequestPlan): Promise<Outcome> {
  const body = bodyOf(plan);
  const path = plan.surface === 'chat' ? 'chat/completions' : 'responses';
  const outcome: Outcome = {
    ...noAnswer,
    plan,
    bodyBytes: Buffer.byteLength(body),
    sentAtMs: Date.now(),
    endedAtMs: 0,
    status: 0,
    requestId: '',
    end: 'broken',
  };
  // A connection of its own: one that is kept may be closed by the server just when a request is written.
  const sent = request(`${gatewayUrl}/${plan.proxy}/v1/${path}`, {
    method: 'POST',
    agent: false,
    signal: AbortSignal.timeout(answerMsMax),
    headers: {
      'content-type': 'application/json',
      'content-length': outcome.bodyBytes,
      'x-api-key': keys[plan.team],
      'x-request-id': plan.clientRequestId,
      'x-tollgate-metadata': JSON.stringify({ caller: plan.clientRequestId }),
    },
  });
  sent.end(body);
  try {
    outcome.end = await receive(sent, outcome);
  } catch (error) {
    outcome.end = (error as Error).name === 'AbortError' ? 'silent' : 'broken';
  }
  sent.destroy();
  outcome.endedAtMs = Date.now();
  return outcome;
}

function bodyOf({ ticket, text, fault, surface, stream, user, contextBytes, outputTokensMax }: RequestPlan): string {
  const content = fault ? `${text} [[sim ${JSON.stringify(fault)}]]` : text;
  // The provider's record keeps a body's beginning, so the ticket stands there too.
  const context = contextBytes > 0 ? `${ticket}: ${sentence.repeat(contextBytes / sentence.length)}` : undefined;
  if (surface === 'responses')
    return JSON.stringify({ instructions: context, input: content, stream, user, max_output_tokens: outputTokensMax });
  const messages = [...(context ? [{ role: 'system', content: context }] : []), { role: 'user', content }];
  return JSON.stringify({ messages, stream, user, max_tokens: outputTokensMax });
}

const sentence = 'the keeper at the gate counts every word that passes. ';

async function receive(sent: ClientRequest, outcome: Outcome): Promise<End> {
  const { plan } = outcome;
  const response = new Promise<IncomingMessage>((resolve, reject) => sent.on('response', resolve).on('error', reject));
  const left = new AbortController();
  const leave = plan.leaves && pause(plan.leaves.ms, 'left' as const, { signal: left.signal });
  leave?.catch(() => {});
  try {
    const came = await (leave ? Promise.race([response, leave]) : response);
    if (came === 'left') return 'left';
    outcome.status = came.statusCode ?? 0;
    outcome.requestId = String(came.headers['x-request-id'] ?? '');
    const read = readBody(came, outcome);
    read.catch(() => {});
    return await (leave ? Promise.race([read, leave]) : read);
  } finally {
    left.abort();
    response.catch(() => {});
  }
}

async function readBody(response: IncomingMessage, outcome: Outcome): Promise<End> {
  const { plan, status } = outcome;
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    body += chunk;
    if (!plan.leaves) continue;
    Object.assign(outcome, readAnswer(plan, status, body));
    if (Buffer.byteLength(outcome.text) >= plan.leaves.contentBytes) return 'left';
  }
  Object.assign(outcome, readAnswer(plan, status, body));
  if (outcome.code !== '') return 'error';
  return outcome.isWhole ? 'whole' : 'cut';
}
