import { askOfResponse } from './ask.ts';
import { type Call, Refusal } from './call.ts';
import { disturb, errorBody, readMarked } from './disturb.ts';
import { invalidParameter } from './errors.ts';
import { type Choice, generate } from './generate.ts';
import { newId } from './ids.ts';
import { isRecord, type JsonRecord, recordsOf, stringOf } from './json.ts';
import { answerPace, filterMode, secondsNow } from './play.ts';
import { withItems } from './references.ts';
import { finalResponse, outputItems, type ResponseFacts } from './responses.ts';
import { ResponseStream, rateLimitedEvents } from './responses-stream.ts';
import { sendResult } from './result.ts';
import { EventStream, namedEvent } from './sse.ts';
import { promptChars, type Turn, textTurn } from './turns.ts';
import { responsesProblem } from './validate.ts';

const GARBAGE = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","del\n\n';

export async function answerResponse(call: Call): Promise<void> {
  const { core, exchange, deployment } = call;
  const body = withItems(core, call.body);
  const earlier = earlierTurns(call);
  const ask = readMarked(() => askOfResponse(body, earlier));
  await disturb(call, ask.fault);
  const problem = responsesProblem(body) ?? core.reasoning.problem(body);
  if (problem) throw new Refusal(problem);

  const mode = filterMode(call);
  const facts: ResponseFacts = {
    id: newId('resp_'),
    createdAt: secondsNow(core),
    model: deployment.model,
    mode,
    promptChars: promptChars(ask.turns),
    request: body,
    toolCalls: exchange.fault.toolCalls ?? {},
    serviceTier: exchange.fault.serviceTier ?? 'default',
  };
  if (exchange.fault.kind === 'responsesRateLimit') {
    exchange.head(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    exchange.end(rateLimitedEvents(facts));
  }

  const { choices, usage } = await generate(ask, deployment.model, exchange.fault);
  core.quotas.charge(deployment, usage.totalTokens);
  const choice = choices[0];
  if (!choice) throw new Error('A response without a choice');
  const items = [...core.reasoning.items(body), ...outputItems(choice, facts.toolCalls)];
  const final = finalResponse(facts, choice, items, usage);
  if (body.store !== false) {
    const turns = [...ask.turns, answerTurn(choice)];
    core.responses.add(facts.id, { body: final, turns, inputItems: inputItems(body), output: items });
  }
  if (body.stream !== true) {
    await answerPace(call, usage);
    return sendResult(exchange, final, usage);
  }
  let sequence = 0;
  const number = () => sequence++;
  const stream = await EventStream.open(exchange, {
    mode,
    pace: core.options,
    promptTokens: usage.promptTokens,
    cachedTokens: usage.cachedTokens,
    garbage: GARBAGE,
    errorEvent: () => errorEvent(errorBody(call), number()),
  });
  await new ResponseStream(stream, { facts, choice, items, final, usage }, number).send();
}

function earlierTurns({ core, body }: Call): readonly Turn[] {
  const previous = stringOf(body.previous_response_id);
  if (previous === undefined) return [];
  const stored = core.responses.get(previous);
  if (stored) return stored.turns;
  const message = `Previous response with id '${previous}' not found.`;
  throw new Refusal(invalidParameter(message, 'previous_response_id', 'previous_response_not_found'));
}

function answerTurn(choice: Choice): Turn {
  return { ...textTurn('assistant', choice.text), toolCalls: choice.toolCalls };
}

function inputItems(body: JsonRecord): JsonRecord[] {
  const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : recordsOf(body.input);
  return items.map((item) => ({ id: newId('msg_'), type: 'message', ...item }));
}

/** Azure nests the reason in `error`; a body that is no JSON goes out as it is. */
function errorEvent(body: string, sequenceNumber: number): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return `event: error\ndata: ${body}\n\n`;
  }
  const error = isRecord(parsed) ? (parsed.error ?? parsed) : parsed;
  return namedEvent('error', { type: 'error', sequence_number: sequenceNumber, error });
}
