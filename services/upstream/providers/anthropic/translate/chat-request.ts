import type { JsonRecord } from '../../../domain/json.ts';
import type { CallToTranslate } from '../../wire.ts';
import { argumentsOf, contentBlocks } from './blocks.ts';
import { formatOf, limitOf, outputConfig, samplingOf, tierOf } from './format.ts';
import { listAt, recordAt, textAt } from './read.ts';
import { checkMembers, emptyObject, type MemberRules, never, only, unserved } from './refuse.ts';
import { thinkingOf } from './thinking.ts';
import { isForced, toolsOf } from './tools.ts';
import { Turns, toolUseId } from './turns.ts';

const members: MemberRules = {
  translated: new Set([
    'model',
    'messages',
    'max_tokens',
    'max_completion_tokens',
    'temperature',
    'top_p',
    'stop',
    'stream',
    'tools',
    'tool_choice',
    'parallel_tool_calls',
    'reasoning_effort',
    'response_format',
    'service_tier',
    'thinking',
    'top_k',
    'cache_control',
  ]),
  dropped: new Set([
    'user',
    'safety_identifier',
    'metadata',
    'prediction',
    'prompt_cache_key',
    'prompt_cache_retention',
    'stream_options',
  ]),
  neutral: {
    n: only(1),
    logprobs: only(false),
    top_logprobs: only(0),
    logit_bias: emptyObject,
    presence_penalty: only(0),
    frequency_penalty: only(0),
    seed: never,
    store: only(false),
    modalities: (value) => Array.isArray(value) && value.every((name) => name === 'text'),
    verbosity: only('medium'),
    audio: never,
    web_search_options: never,
    functions: never,
    function_call: never,
  },
};

/**
 * A chat completion's request as one of Messages.
 * @throws TollgateError `invalid_request` that names what has no counterpart
 */
export function chatRequest(body: JsonRecord, { target, outputTokensMax }: CallToTranslate): JsonRecord {
  checkMembers(body, members);
  const turns = turnsOf(listAt(body.messages, 'messages'));
  const tools = toolsOf(body);
  const thinking = thinkingOf({
    baseModel: target.baseModel,
    effort: body.reasoning_effort,
    effortPath: 'reasoning_effort',
    own: body.thinking,
    visible: true,
    maxTokens: limitOf(body, 'max_completion_tokens', 'max_tokens'),
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
    ...outputConfig(formatOf(body.response_format, 'response_format'), thinking),
    ...samplingOf(body),
    ...stopOf(body.stop),
    ...tierOf(body.service_tier),
    ...own(body),
    ...(body.stream === true && { stream: true }),
  };
}

/** Members of Anthropic's own that OpenAI does not have. */
function own({ top_k: topK, cache_control: cacheControl }: JsonRecord): JsonRecord {
  return {
    ...(topK != null && { top_k: topK }),
    ...(cacheControl != null && { cache_control: cacheControl }),
  };
}

function stopOf(value: unknown): JsonRecord {
  if (value == null) return {};
  const sequences = typeof value === 'string' ? [value] : listAt(value, 'stop');
  return sequences.length === 0 ? {} : { stop_sequences: sequences };
}

function turnsOf(messages: unknown[]): Turns {
  const turns = new Turns();
  for (const [at, value] of messages.entries()) {
    const path = `messages[${at}]`;
    const message = recordAt(value, path);
    switch (message.role) {
      case 'system':
      case 'developer':
        turns.system.push(...contentBlocks(message.content, `${path}.content`));
        break;
      case 'user':
        turns.add('user', contentBlocks(message.content, `${path}.content`));
        break;
      case 'assistant':
        turns.add('assistant', assistantBlocks(message, path));
        break;
      case 'tool':
        turns.add('user', [toolResult(message, path)]);
        break;
      default:
        throw unserved(`${path}.role`);
    }
  }
  return turns;
}

function assistantBlocks(message: JsonRecord, path: string): JsonRecord[] {
  for (const name of ['function_call', 'audio']) if (message[name] != null) throw unserved(`${path}.${name}`);
  const said = message.content ?? message.refusal;
  const calls = message.tool_calls == null ? [] : listAt(message.tool_calls, `${path}.tool_calls`);
  return [
    ...(said == null ? [] : contentBlocks(said, `${path}.content`)),
    ...calls.map((call, at) => toolUse(call, `${path}.tool_calls[${at}]`)),
  ];
}

function toolUse(value: unknown, path: string): JsonRecord {
  const call = recordAt(value, path);
  if (call.type !== undefined && call.type !== 'function') throw unserved(`${path}.type`);
  const fn = recordAt(call.function, `${path}.function`);
  return {
    type: 'tool_use',
    id: toolUseId(textAt(call.id, `${path}.id`)),
    name: textAt(fn.name, `${path}.function.name`),
    input: argumentsOf(fn.arguments, `${path}.function.arguments`),
  };
}

function toolResult(message: JsonRecord, path: string): JsonRecord {
  const content = contentBlocks(message.content ?? '', `${path}.content`);
  return {
    type: 'tool_result',
    tool_use_id: toolUseId(textAt(message.tool_call_id, `${path}.tool_call_id`)),
    ...(content.length > 0 && { content }),
  };
}
