import { answerText, toolResultText } from './answers.ts';
import type { Ask } from './ask.ts';
import type { FaultSpec } from './faults.ts';
import { newId } from './ids.ts';
import { promptTokens, toolCallTokens } from './prompt-tokens.ts';
import { exampleValue } from './schema-values.ts';
import { type Piece, sumTokens, textOf, toPieces, truncatePieces } from './tokens.ts';
import { toolCalls } from './tools.ts';
import { type IssuedUsage, issuedUsage } from './usage.ts';

type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export interface GeneratedCall {
  id: string;
  name: string;
  arguments: string;
  /** The arguments, as a stream carries them. */
  pieces: readonly Piece[];
}

export interface Choice {
  pieces: readonly Piece[];
  text: string;
  toolCalls: readonly GeneratedCall[];
  finishReason: FinishReason;
  tokens: number;
}

export interface Generated {
  choices: readonly Choice[];
  usage: IssuedUsage;
}

/** What the model answers. The same question always gets the same answer, ids apart. */
export async function generate(ask: Ask, model: string, fault: FaultSpec): Promise<Generated> {
  const choices: Choice[] = [];
  for (let index = 0; index < ask.choices; index += 1) choices.push(await generateChoice(ask, model, fault, index));
  const prompt = await promptTokens(ask.turns, ask.tools);
  const { reasoningTokens = 0, audioCompletionTokens = 0 } = fault;
  const partOfPrompt = (tokens = 0) => Math.min(tokens, prompt);
  const usage = issuedUsage({
    promptTokens: prompt,
    cachedTokens: partOfPrompt(fault.cachedTokens),
    cacheWriteTokens: partOfPrompt(fault.cacheWriteTokens),
    audioPromptTokens: partOfPrompt(fault.audioPromptTokens),
    completionTokens: choices.reduce((sum, choice) => sum + choice.tokens, reasoningTokens + audioCompletionTokens),
    reasoningTokens,
    audioCompletionTokens,
  });
  return { choices, usage };
}

async function generateChoice(ask: Ask, model: string, fault: FaultSpec, index: number): Promise<Choice> {
  const { prompt, tools, toolChoice, parallelToolCalls: parallel } = ask;
  const toolResult = ask.turns.at(-1)?.role === 'tool' ? (ask.turns.at(-1)?.text ?? '') : undefined;
  const calls = toolResult === undefined ? toolCalls({ prompt, tools, toolChoice, parallel }) : [];
  if (calls.length > 0) return callChoice(calls, ask.outputTokensMax);
  const said = toolResult === undefined ? answerText(prompt, model) : toolResultText(toolResult);
  const variant = index === 0 ? said : `${said} (choice ${index + 1})`;
  const text = ask.schema ? JSON.stringify(exampleValue(ask.schema, variant)) : beforeStop(variant, ask.stop);
  return textChoice(await toPieces(text), ask.outputTokensMax, fault.kind === 'completionFilter');
}

async function textChoice(all: Piece[], tokensMax: number | undefined, filtered: boolean): Promise<Choice> {
  const tokens = sumTokens(all);
  let pieces = all;
  let finishReason: FinishReason = 'stop';
  if (tokensMax !== undefined && tokens > tokensMax) {
    pieces = await truncatePieces(all, tokensMax);
    finishReason = 'length';
  }
  if (filtered) {
    pieces = pieces.slice(0, Math.ceil(pieces.length / 2));
    finishReason = 'content_filter';
  }
  return { pieces, text: textOf(pieces), toolCalls: [], finishReason, tokens: sumTokens(pieces) };
}

async function callChoice(
  calls: readonly { name: string; arguments: string }[],
  tokensMax = Number.POSITIVE_INFINITY,
): Promise<Choice> {
  const made: GeneratedCall[] = [];
  let tokens = 0;
  for (const call of calls) {
    const cost = await toolCallTokens(call);
    const pieces = await toPieces(call.arguments);
    const room = tokensMax - tokens - (cost - sumTokens(pieces));
    const kept = sumTokens(pieces) > room ? await truncatePieces(pieces, Math.max(0, room)) : pieces;
    made.push({ id: newId('call_'), name: call.name, arguments: textOf(kept), pieces: kept });
    tokens += cost - sumTokens(pieces) + sumTokens(kept);
    if (tokens >= tokensMax) break;
  }
  const finishReason = tokens >= tokensMax ? 'length' : 'tool_calls';
  return { pieces: [], text: '', toolCalls: made, finishReason, tokens: Math.min(tokens, tokensMax) };
}

function beforeStop(text: string, stop: readonly string[]): string {
  const cuts = stop.map((sequence) => text.indexOf(sequence)).filter((at) => at >= 0);
  return cuts.length === 0 ? text : text.slice(0, Math.min(...cuts));
}
