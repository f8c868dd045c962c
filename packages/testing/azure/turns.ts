import { isRecord, type JsonRecord, recordsOf, stringOf } from './json.ts';

/** One message of a conversation, whichever surface it came over. */
export interface Turn {
  role: string;
  name?: string;
  text: string;
  /** Images with `detail: low` cost less. */
  images: readonly ('low' | 'high')[];
  toolCalls: readonly { name: string; arguments: string }[];
}

const TEXT_PARTS = new Set(['text', 'input_text', 'output_text', 'summary_text', 'refusal']);

function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return recordsOf(content)
    .filter((part) => TEXT_PARTS.has(stringOf(part.type) ?? 'text'))
    .map((part) => stringOf(part.text) ?? stringOf(part.refusal) ?? '')
    .join('\n');
}

function imagesOf(content: unknown): ('low' | 'high')[] {
  return recordsOf(content)
    .filter((part) => part.type === 'image_url' || part.type === 'input_image')
    .map((part) => {
      const detail = isRecord(part.image_url) ? part.image_url.detail : part.detail;
      return detail === 'low' ? 'low' : 'high';
    });
}

function turn(role: string, message: JsonRecord, toolCalls: Turn['toolCalls'] = []): Turn {
  const name = stringOf(message.name);
  const said = { role, text: textOfContent(message.content), images: imagesOf(message.content), toolCalls };
  return name === undefined ? said : { ...said, name };
}

function functionOf(call: unknown): { name: string; arguments: string } {
  const named = isRecord(call) ? call : {};
  return { name: stringOf(named.name) ?? '', arguments: stringOf(named.arguments) ?? '' };
}

/** The turns of a chat completion's `messages`. */
export function chatTurns(messages: unknown): Turn[] {
  return recordsOf(messages).map((message) =>
    turn(
      stringOf(message.role) ?? 'user',
      message,
      recordsOf(message.tool_calls).map((call) => functionOf(call.function)),
    ),
  );
}

/** The turns of a Responses call: `instructions`, then `input` as a string or as items. */
export function responseTurns(instructions: unknown, input: unknown): Turn[] {
  const turns: Turn[] = [];
  const system = stringOf(instructions);
  if (system) turns.push(textTurn('system', system));
  if (typeof input === 'string') turns.push(textTurn('user', input));
  for (const item of recordsOf(input)) {
    if (item.type === 'function_call') turns.push({ ...textTurn('assistant', ''), toolCalls: [functionOf(item)] });
    else if (item.type === 'function_call_output') turns.push(textTurn('tool', toolOutput(item.output)));
    else if (item.type === undefined || item.type === 'message') turns.push(turn(stringOf(item.role) ?? 'user', item));
  }
  return turns;
}

function toolOutput(output: unknown): string {
  return typeof output === 'string' ? output : textOfContent(output);
}

export function textTurn(role: string, text: string): Turn {
  return { role, text, images: [], toolCalls: [] };
}

export function lastUserText(turns: readonly Turn[]): string {
  return turns.findLast((said) => said.role === 'user')?.text ?? '';
}

/** The length of all text that the filter reads; Azure counts answer offsets from its end. */
export function promptChars(turns: readonly Turn[]): number {
  return turns.reduce((sum, said) => sum + said.text.length, 0);
}
