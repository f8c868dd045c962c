import { askOfChat } from './ask.ts';
import { type Call, Refusal } from './call.ts';
import { chatCompletion, citations } from './chat.ts';
import { ChatStream } from './chat-stream.ts';
import { disturb, errorBody, readMarked } from './disturb.ts';
import { generate } from './generate.ts';
import { newId } from './ids.ts';
import { isRecord } from './json.ts';
import { answerPace, filterMode, secondsNow } from './play.ts';
import { sendResult } from './result.ts';
import { EventStream } from './sse.ts';
import { promptChars } from './turns.ts';
import { chatProblem } from './validate.ts';

const GARBAGE = 'data: {"id":"chatcmpl-broken","choices":[{"index":0,"del\n\n';

export async function answerChat(call: Call): Promise<void> {
  const { core, exchange, deployment, body } = call;
  const ask = readMarked(() => askOfChat(body));
  await disturb(call, ask.fault);
  const problem = chatProblem(body);
  if (problem) throw new Refusal(problem);

  const { choices, usage } = await generate(ask, deployment.model, exchange.fault);
  core.quotas.charge(deployment, usage.totalTokens);
  const mode = filterMode(call);
  const meta = {
    id: newId('chatcmpl-'),
    created: secondsNow(core),
    model: deployment.model,
    mode,
    annotations: citations(exchange.fault.toolCalls?.web_search),
    topLogprobs: body.logprobs === true ? Number(body.top_logprobs ?? 0) : undefined,
    serviceTier: exchange.fault.serviceTier,
  };
  if (body.stream !== true) {
    await answerPace(call, usage);
    return sendResult(exchange, chatCompletion(meta, choices, usage), usage);
  }
  const stream = await EventStream.open(exchange, {
    mode,
    pace: core.options,
    promptTokens: usage.promptTokens,
    cachedTokens: usage.cachedTokens,
    garbage: GARBAGE,
    errorEvent: () => `data: ${errorBody(call)}\n\n`,
  });
  const includeUsage = isRecord(body.stream_options) && body.stream_options.include_usage === true;
  await new ChatStream(stream, { meta, choices, usage, includeUsage, promptChars: promptChars(ask.turns) }).send();
}
