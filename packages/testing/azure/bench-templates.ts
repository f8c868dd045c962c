import { chatCompletion } from './chat.ts';
import { ChatStream } from './chat-stream.ts';
import type { Deployment } from './deployments.ts';
import type { Choice } from './generate.ts';
import { finalResponse, outputItems } from './responses.ts';
import { ResponseStream } from './responses-stream.ts';
import type { EventSink } from './sse.ts';
import { sumTokens, textOf } from './tokens.ts';
import { issuedUsage } from './usage.ts';

/** The one answer of bench mode, cut into its o200k tokens. */
export const BENCH_PIECES = ['The', ' capital', ' of', ' France', ' is', ' Paris', '.'].map((text) => ({
  text,
  tokens: 1,
}));
export const BENCH_COMPLETION_TOKENS = sumTokens(BENCH_PIECES);

// Figures and an id that stand in the prebuilt text where each call has its own.
const PROMPT_MARK = 987_654_321;
const TOTAL_MARK = PROMPT_MARK + BENCH_COMPLETION_TOKENS;
const ID_MARK = 'bench-id-mark';

/** Prebuilt bytes of an answer; `fill` puts a call's own id and token figures in. */
export interface Template {
  fill(id: string, promptTokens: number): string;
}

export type BenchSurface = 'chat' | 'responses';
export type BenchShape = 'json' | 'stream' | 'streamWithUsage';

function template(text: string): Template {
  const parts = text.split(new RegExp(`(${ID_MARK}|${PROMPT_MARK}|${TOTAL_MARK})`));
  return {
    fill(id, promptTokens) {
      let filled = '';
      for (const part of parts) {
        if (part === ID_MARK) filled += id;
        else if (part === String(PROMPT_MARK)) filled += promptTokens;
        else if (part === String(TOTAL_MARK)) filled += promptTokens + BENCH_COMPLETION_TOKENS;
        else filled += part;
      }
      return filled;
    },
  };
}

class CollectingSink implements EventSink {
  text = '';

  async event(event: string): Promise<void> {
    this.text += event;
  }

  async content(event: string): Promise<void> {
    this.text += event;
  }

  async finish(events: string): Promise<void> {
    this.text += events;
  }
}

const CHOICE: Choice = {
  pieces: BENCH_PIECES,
  text: textOf(BENCH_PIECES),
  toolCalls: [],
  finishReason: 'stop',
  tokens: BENCH_COMPLETION_TOKENS,
};

const USAGE = issuedUsage({
  promptTokens: PROMPT_MARK,
  cachedTokens: 0,
  completionTokens: BENCH_COMPLETION_TOKENS,
  reasoningTokens: 0,
});

/** All answers that bench mode gives for a deployment. */
export async function benchTemplates(
  deployment: Deployment,
  seconds: number,
): Promise<Record<BenchSurface, Record<BenchShape, Template>>> {
  return {
    chat: {
      json: template(JSON.stringify(chatCompletion(chatMeta(deployment, seconds), [CHOICE], USAGE))),
      stream: await chatStream(deployment, seconds, false),
      streamWithUsage: await chatStream(deployment, seconds, true),
    },
    responses: await responses(deployment, seconds),
  };
}

function chatMeta(deployment: Deployment, created: number) {
  return { id: `chatcmpl-${ID_MARK}`, created, model: deployment.model, mode: 'default' as const };
}

async function chatStream(deployment: Deployment, seconds: number, includeUsage: boolean): Promise<Template> {
  const sink = new CollectingSink();
  const meta = chatMeta(deployment, seconds);
  await new ChatStream(sink, { meta, choices: [CHOICE], usage: USAGE, includeUsage, promptChars: 0 }).send();
  return template(sink.text);
}

async function responses(deployment: Deployment, createdAt: number): Promise<Record<BenchShape, Template>> {
  const id = `resp_${ID_MARK}`;
  const facts = { id, createdAt, model: deployment.model, mode: 'default' as const, promptChars: 0, request: {} };
  const items = outputItems(CHOICE).map((item) => ({ ...item, id: `msg_${ID_MARK}` }));
  const final = finalResponse(facts, CHOICE, items, USAGE);
  const sink = new CollectingSink();
  let sequence = 0;
  const stream = new ResponseStream(sink, { facts, choice: CHOICE, items, final, usage: USAGE }, () => sequence++);
  await stream.send();
  const streamed = template(sink.text);
  return { json: template(JSON.stringify(final)), stream: streamed, streamWithUsage: streamed };
}
