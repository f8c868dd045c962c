import type { Ask } from '../azure/ask.ts';
import { takeMarker } from '../azure/faults.ts';
import { isRecord, type JsonRecord, numberOf, recordsOf, stringOf } from '../azure/json.ts';
import type { Tool } from '../azure/tools.ts';
import { lastUserText, type Turn, textTurn } from '../azure/turns.ts';

/** What a call of messages asks its model. @throws TypeError when the prompt carries a fault marker that is wrong. */
export function askOfMessages(body: JsonRecord): Ask {
  const said = turnsOf(body);
  const last = lastUserText(said);
  const { prompt, fault } = takeMarker(question(last));
  const { tool_choice: choice, stop_sequences: stop, output_config: output } = body;
  const format = isRecord(output) && isRecord(output.format) ? output.format : body.output_format;
  return {
    turns: fault ? said.map((turn) => (turn.text === last ? { ...turn, text: takeMarker(last).prompt } : turn)) : said,
    prompt,
    tools: toolsOf(body.tools),
    toolChoice: toolChoiceOf(choice),
    parallelToolCalls: !(isRecord(choice) && choice.disable_parallel_tool_use === true),
    choices: 1,
    outputTokensMax: numberOf(body.max_tokens),
    schema: isRecord(format) && isRecord(format.schema) ? format.schema : undefined,
    stop: (Array.isArray(stop) ? stop : []).map(stringOf).filter((text): text is string => Boolean(text)),
    fault,
  };
}

/** Whether the answer begins with its thoughts, and whether they may be read. */
export function thinkingOf({ thinking }: JsonRecord): 'shown' | 'omitted' | 'none' {
  if (!isRecord(thinking) || thinking.type === 'disabled') return 'none';
  return thinking.display === 'omitted' ? 'omitted' : 'shown';
}

/** What a user says, without the reminders that an agent (Claude Code) puts beside it. */
function question(text: string): string {
  return text.replaceAll(/<system-reminder>.*?<\/system-reminder>\s*/gs, '');
}

/** System turns in mid-conversation instruct: what is answered is the last turn of another. */
function turnsOf({ system, messages }: JsonRecord): Turn[] {
  const instructions = textOf(system);
  const said = recordsOf(messages).flatMap(turnsOfMessage);
  const instructs = ({ role }: Turn) => role === 'system';
  return [
    ...(instructions === '' ? [] : [textTurn('system', instructions)]),
    ...said.filter(instructs),
    ...said.filter((turn) => !instructs(turn)),
  ];
}

function turnsOfMessage({ role, content }: JsonRecord): Turn[] {
  const speaker = stringOf(role) ?? 'user';
  if (typeof content === 'string') return [textTurn(speaker, content)];
  const blocks = recordsOf(content);
  const results = blocks
    .filter(({ type }) => type === 'tool_result')
    .map((block) => textTurn('tool', textOf(block.content)));
  const own = blocks.filter(({ type }) => type !== 'tool_result');
  if (own.length === 0) return results;
  const images = own.filter(({ type }) => type === 'image').map((): 'high' => 'high');
  const toolCalls = own
    .filter(({ type }) => type === 'tool_use')
    .map(({ name, input }) => ({ name: stringOf(name) ?? '', arguments: JSON.stringify(input ?? {}) }));
  const turn: Turn = { role: speaker, text: textOf(own), images, toolCalls };
  // What a user says beside the results of tools comes after them.
  return [...results, turn];
}

/** The text of a string or of blocks, thoughts and plain documents included. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return recordsOf(content)
    .map(({ text, thinking, source }) => {
      const data = isRecord(source) && source.type === 'text' ? stringOf(source.data) : undefined;
      return stringOf(text) ?? stringOf(thinking) ?? data ?? '';
    })
    .filter((text) => text !== '')
    .join('\n');
}

/** Those that the caller runs, by a schema of its own. */
function toolsOf(tools: unknown): Tool[] {
  return recordsOf(tools)
    .filter(({ type }) => type === undefined || type === 'custom')
    .map(({ name, description, input_schema: schema }) => ({
      name: stringOf(name) ?? '',
      description: stringOf(description) ?? '',
      parameters: isRecord(schema) ? schema : {},
    }));
}

/** In OpenAI's terms, which the simulated model understands. */
function toolChoiceOf(choice: unknown): unknown {
  if (!isRecord(choice)) return undefined;
  if (choice.type === 'any') return 'required';
  return choice.type === 'tool' ? { name: choice.name } : choice.type;
}
