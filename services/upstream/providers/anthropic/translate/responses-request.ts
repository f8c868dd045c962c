import type { JsonRecord } from '../../../domain/json.ts';
import type { CallToTranslate } from '../../wire.ts';
import { argumentsOf, contentBlocks, textBlocks } from './blocks.ts';
import { formatOf, limitOf, outputConfig, samplingOf, tierOf } from './format.ts';
import { listAt, recordAt, textAt } from './read.ts';
import { checkMembers, type MemberRules, never, only, unserved } from './refuse.ts';
import { thinkingOf } from './thinking.ts';
import { openThought } from './thoughts.ts';
import { isForced, toolsOf } from './tools.ts';
import { Turns, toolUseId } from './turns.ts';

const members: MemberRules = {
  translated: new Set([
    'model',
    'input',
    'instructions',
    'max_output_tokens',
    'temperature',
    'top_p',
    'stream',
    'tools',
    'tool_choice',
    'parallel_tool_calls',
    'reasoning',
    'text',
    'include',
    'service_tier',
    'thinking',
    'top_k',
    'cache_control',
  ]),
  dropped: new Set([
    'user',
    'safety_identifier',
    'metadata',
    // What Codex tells of itself.
    'client_metadata',
    'prompt_cache_key',
    'prompt_cache_retention',
    'stream_options',
    'max_tool_calls',
  ]),
  neutral: {
    store: only(false),
    background: only(false),
    top_logprobs: only(0),
    truncation: only('disabled'),
    previous_response_id: never,
    conversation: never,
    prompt: never,
  },
};

/** What of the request its answer goes by. */
export interface ResponseWish {
  /** `reasoning.summary` is asked for. */
  summary: boolean;
  /** `include` has `reasoning.encrypted_content`. */
  encrypted: boolean;
}

export function responseWish(body: JsonRecord): ResponseWish {
  const { summary, generate_summary: older } = reasoningOf(body);
  const include: unknown[] = Array.isArray(body.include) ? body.include : [];
  return { summary: (summary ?? older) != null, encrypted: include.includes('reasoning.encrypted_content') };
}

/**
 * A response's request as one of Messages.
 * @throws TollgateError `invalid_request` that names what has no counterpart
 */
export function responsesRequest(body: JsonRecord, { target, outputTokensMax }: CallToTranslate): JsonRecord {
  checkMembers(body, members);
  const text = body.text == null ? {} : recordAt(body.text, 'text');
  if (text.verbosity != null && text.verbosity !== 'medium') throw unserved('text.verbosity');
  const wish = responseWish(body);
  if (Array.isArray(body.include) && body.include.includes('message.output_text.logprobs')) throw unserved('include');
  const turns = turnsOf(body);
  const tools = toolsOf(body);
  const { effort } = reasoningOf(body);
  const thinking = thinkingOf({
    baseModel: target.baseModel,
    // Who wants to read a summary wants something to be thought: as far as OpenAI's models do that are not told.
    effort: effort ?? (wish.summary ? 'medium' : undefined),
    effortPath: 'reasoning.effort',
    own: body.thinking,
    visible: wish.summary,
    maxTokens: limitOf(body, 'max_output_tokens'),
    outputTokensMax,
    forced: isForced(tools),
    callsWithoutThought: turns.callsWithoutThought,
  });
  return {
    model: target.deployment,
    max_tokens: thinking.max_tokens,
    ...(turns.system.length > 0 && { system: turns.system }),
    messages: turns.messages,
    ...tools,
    ...(thinking.thinking !== undefined && { thinking: thinking.thinking }),
    ...outputConfig(formatOf(text.format, 'text.format'), thinking),
    ...samplingOf(body),
    ...tierOf(body.service_tier),
    ...(body.top_k != null && { top_k: body.top_k }),
    ...(body.cache_control != null && { cache_control: body.cache_control }),
    ...(body.stream === true && { stream: true }),
  };
}

function reasoningOf(body: JsonRecord): JsonRecord {
  return body.reasoning == null ? {} : recordAt(body.reasoning, 'reasoning');
}

function turnsOf(body: JsonRecord): Turns {
  const turns = new Turns();
  if (body.instructions != null) turns.system.push(...textBlocks(textAt(body.instructions, 'instructions')));
  if (typeof body.input === 'string') {
    turns.add('user', textBlocks(body.input));
    return turns;
  }
  for (const [at, item] of listAt(body.input, 'input').entries()) addItem(turns, item, `input[${at}]`);
  return turns;
}

function addItem(turns: Turns, value: unknown, path: string): void {
  const item = recordAt(value, path);
  switch (item.type ?? 'message') {
    case 'message':
      addMessage(turns, item, path);
      break;
    case 'function_call':
      turns.add('assistant', [
        {
          type: 'tool_use',
          id: toolUseId(textAt(item.call_id, `${path}.call_id`)),
          name: textAt(item.name, `${path}.name`),
          input: argumentsOf(item.arguments, `${path}.arguments`),
        },
      ]);
      break;
    case 'function_call_output':
      turns.add('user', [toolResult(item, path)]);
      break;
    case 'reasoning': {
      // Without its signature, or of another provider, a thought cannot be given back, and does not have to be.
      const thought = openThought(item.encrypted_content);
      if (thought) turns.add('assistant', [thought]);
      break;
    }
    default:
      throw unserved(`${path}.type`);
  }
}

function addMessage(turns: Turns, item: JsonRecord, path: string): void {
  const blocks = contentBlocks(item.content, `${path}.content`);
  if (item.role === 'system' || item.role === 'developer') turns.system.push(...blocks);
  else if (item.role === 'user' || item.role === 'assistant') turns.add(item.role, blocks);
  else throw unserved(`${path}.role`);
}

function toolResult(item: JsonRecord, path: string): JsonRecord {
  const content = contentBlocks(item.output ?? '', `${path}.output`);
  return {
    type: 'tool_result',
    tool_use_id: toolUseId(textAt(item.call_id, `${path}.call_id`)),
    ...(content.length > 0 && { content }),
  };
}
