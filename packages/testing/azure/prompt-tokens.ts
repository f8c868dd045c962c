import { isRecord, stringOf } from './json.ts';
import { countTokens } from './tokens.ts';
import type { Tool } from './tools.ts';
import type { Turn } from './turns.ts';

/**
 * What a prompt costs, by the rules of OpenAI's cookbook "How to count tokens with tiktoken" for the gpt-4o family:
 * "What is the capital of France?" as a single user message is 14. Responses calls are counted alike.
 */
const MESSAGE_TOKENS = 3;
const NAME_TOKENS = 1;
const REPLY_PRIMING_TOKENS = 3;
// From the vision guide: 85 with `detail: low`; without decoding the image, 1024 x 1024 is assumed otherwise.
const IMAGE_TOKENS = { low: 85, high: 765 };
// Not documented; a call's name and arguments count as text, with the overhead of a message around them.
const TOOL_CALL_TOKENS = 3;
// The cookbook's figures for function definitions.
const FUNCTION_TOKENS = { start: 7, propertiesStart: 3, property: 3, enumStart: -3, enumItem: 3, end: 12 };

export async function promptTokens(turns: readonly Turn[], tools: readonly Tool[]): Promise<number> {
  let tokens = REPLY_PRIMING_TOKENS;
  for (const turn of turns) tokens += await turnTokens(turn);
  return tokens + (await toolTokens(tools));
}

async function turnTokens(turn: Turn): Promise<number> {
  let tokens = MESSAGE_TOKENS + (await countTokens(turn.role)) + (await countTokens(turn.text));
  if (turn.name !== undefined) tokens += NAME_TOKENS + (await countTokens(turn.name));
  for (const detail of turn.images) tokens += IMAGE_TOKENS[detail];
  for (const call of turn.toolCalls) tokens += await toolCallTokens(call);
  return tokens;
}

export async function toolCallTokens(call: { name: string; arguments: string }): Promise<number> {
  return TOOL_CALL_TOKENS + (await countTokens(call.name)) + (await countTokens(call.arguments));
}

async function toolTokens(tools: readonly Tool[]): Promise<number> {
  if (tools.length === 0) return 0;
  let tokens = FUNCTION_TOKENS.end;
  for (const tool of tools) {
    tokens += FUNCTION_TOKENS.start + (await countTokens(`${tool.name}:${withoutFinalDot(tool.description)}`));
    const properties = isRecord(tool.parameters.properties) ? Object.entries(tool.parameters.properties) : [];
    if (properties.length > 0) tokens += FUNCTION_TOKENS.propertiesStart;
    for (const [key, property] of properties) tokens += await propertyTokens(key, property);
  }
  return tokens;
}

async function propertyTokens(key: string, property: unknown): Promise<number> {
  const { type, description, enum: values } = isRecord(property) ? property : {};
  let tokens = FUNCTION_TOKENS.property;
  if (Array.isArray(values)) {
    tokens += FUNCTION_TOKENS.enumStart;
    for (const value of values) tokens += FUNCTION_TOKENS.enumItem + (await countTokens(String(value)));
  }
  const line = `${key}:${stringOf(type) ?? ''}:${withoutFinalDot(stringOf(description) ?? '')}`;
  return tokens + (await countTokens(line));
}

function withoutFinalDot(text: string): string {
  return text.endsWith('.') ? text.slice(0, -1) : text;
}

/** The embedding models' tokenizer is cl100k, with no overhead; an input may be tokens already. */
export async function embeddingTokens(input: string | readonly number[]): Promise<number> {
  return typeof input === 'string' ? countTokens(input, 'cl100k_base') : input.length;
}
