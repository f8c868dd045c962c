import { answerText, toolResultText } from '../azure/answers.ts';
import type { Ask } from '../azure/ask.ts';
import type { FaultSpec } from '../azure/faults.ts';
import { type Choice, generate } from '../azure/generate.ts';
import { type Piece, sumTokens, textOf, toPieces, truncatePieces } from '../azure/tokens.ts';
import { type IssuedUsage, issuedUsage } from '../azure/usage.ts';
import type { thinkingOf } from './ask.ts';
import { newId } from './ids.ts';

/** One block of an answer, and how a stream brings it. */
export type Block =
  | { type: 'thinking'; pieces: readonly Piece[]; signature: string }
  | { type: 'text'; pieces: readonly Piece[] }
  | { type: 'tool_use'; id: string; name: string; pieces: readonly Piece[] };

export interface Message {
  id: string;
  model: string;
  blocks: readonly Block[];
  stopReason: 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal';
  stopSequence: string | null;
  usage: IssuedUsage;
}

const REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' } as const;

/** Where the signature would be checked it is not: any that was made here has this beginning. */
const SIGNATURE = 'EqQBCgIYAhIM';

/** What the model answers: the same question always gets the same blocks, ids apart. */
export async function writeMessage(
  ask: Ask,
  model: string,
  thinking: ReturnType<typeof thinkingOf>,
  fault: FaultSpec,
): Promise<Message> {
  const thoughts = thinking === 'none' ? [] : await thoughtsOf(ask);
  const thought = sumTokens(thoughts);
  const most = ask.outputTokensMax === undefined ? undefined : Math.max(0, ask.outputTokensMax - thought);
  const { choices, usage } = await generate({ ...ask, outputTokensMax: most }, model, fault);
  const choice = choices[0] as Choice;
  const stopSequence = choice.finishReason === 'stop' ? sequenceOf(ask, model, choice.text) : undefined;
  return {
    id: newId('msg_01'),
    model,
    blocks: blocksOf(thoughts, thinking === 'shown', choice),
    stopReason: stopSequence === undefined ? REASONS[choice.finishReason] : 'stop_sequence',
    stopSequence: stopSequence ?? null,
    usage: issuedUsage({
      ...usage,
      completionTokens: usage.completionTokens + thought,
      reasoningTokens: usage.reasoningTokens + thought,
    }),
  };
}

/** A block as a whole answer has it. */
export function wholeBlock(block: Block): object {
  const text = textOf(block.pieces);
  switch (block.type) {
    case 'thinking':
      return { type: 'thinking', thinking: text, signature: block.signature };
    case 'text':
      return { type: 'text', text };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: inputOf(text) };
  }
}

function blocksOf(thoughts: readonly Piece[], shown: boolean, { pieces, toolCalls }: Choice): Block[] {
  const blocks: Block[] = [];
  if (thoughts.length > 0)
    blocks.push({ type: 'thinking', pieces: shown ? thoughts : [], signature: signatureOf(thoughts) });
  if (pieces.length > 0) blocks.push({ type: 'text', pieces });
  for (const call of toolCalls)
    blocks.push({ type: 'tool_use', id: newId('toolu_01'), name: call.name, pieces: call.pieces });
  return blocks;
}

async function thoughtsOf({ prompt, outputTokensMax = Number.POSITIVE_INFINITY }: Ask): Promise<Piece[]> {
  const pieces = await toPieces(`They ask: ${prompt.slice(0, 80)}. I shall answer.`);
  return truncatePieces(pieces, outputTokensMax);
}

function signatureOf(thoughts: readonly Piece[]): string {
  return SIGNATURE + Buffer.from(textOf(thoughts)).toString('base64');
}

/** The stop sequence at which the answer was cut; undefined: it ended by itself. */
function sequenceOf({ stop, turns, prompt }: Ask, model: string, text: string): string | undefined {
  const last = turns.at(-1);
  const said = last?.role === 'tool' ? toolResultText(last.text) : answerText(prompt, model);
  return stop.find((sequence) => said.startsWith(text + sequence));
}

/** Cut off by the limit it is no JSON: then the API gives what it could read, which the simulator does not try. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return {};
  }
}
