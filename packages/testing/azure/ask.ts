import { type FaultSpec, takeMarker } from './faults.ts';
import { isRecord, type JsonRecord, numberOf, stringOf } from './json.ts';
import { functionTools, type Tool } from './tools.ts';
import { chatTurns, lastUserText, responseTurns, type Turn } from './turns.ts';

/** What a model is asked, whichever surface it came over. */
export interface Ask {
  turns: readonly Turn[];
  /** The last user text, without a fault marker. */
  prompt: string;
  tools: readonly Tool[];
  toolChoice: unknown;
  parallelToolCalls: boolean;
  /** How many answers. */
  choices: number;
  outputTokensMax: number | undefined;
  /** Undefined: plain text. A schema: an answer that fits it; `json_object` is an object with one `answer`. */
  schema: JsonRecord | undefined;
  stop: readonly string[];
  /** From the marker in the prompt. */
  fault: FaultSpec | undefined;
}

const JSON_OBJECT: JsonRecord = { type: 'object', properties: { answer: { type: 'string' } } };

/** @throws TypeError when the prompt carries a fault marker that is wrong. */
export function askOfChat(body: JsonRecord): Ask {
  const format = isRecord(body.response_format) ? body.response_format : {};
  const jsonSchema = isRecord(format.json_schema) ? format.json_schema : {};
  return ask(chatTurns(body.messages), body, {
    choices: numberOf(body.n) ?? 1,
    outputTokensMax: numberOf(body.max_completion_tokens) ?? numberOf(body.max_tokens),
    schema: schemaOf(format.type, jsonSchema.schema),
  });
}

/** @throws TypeError when the prompt carries a fault marker that is wrong. */
export function askOfResponse(body: JsonRecord, earlier: readonly Turn[]): Ask {
  const format = isRecord(body.text) && isRecord(body.text.format) ? body.text.format : {};
  return ask([...earlier, ...responseTurns(body.instructions, body.input)], body, {
    choices: 1,
    outputTokensMax: numberOf(body.max_output_tokens),
    schema: schemaOf(format.type, format.schema),
  });
}

function ask(said: readonly Turn[], body: JsonRecord, own: Pick<Ask, 'choices' | 'outputTokensMax' | 'schema'>): Ask {
  const last = lastUserText(said);
  const { prompt, fault } = takeMarker(last);
  const turns = fault ? said.map((turn) => (turn.text === last ? { ...turn, text: prompt } : turn)) : said;
  const stop = Array.isArray(body.stop) ? body.stop : [body.stop];
  return {
    ...own,
    turns,
    prompt,
    tools: functionTools(body.tools),
    toolChoice: body.tool_choice,
    parallelToolCalls: body.parallel_tool_calls !== false,
    stop: stop.map(stringOf).filter((text): text is string => text !== undefined && text !== ''),
    fault,
  };
}

function schemaOf(type: unknown, schema: unknown): JsonRecord | undefined {
  if (type === 'json_object') return JSON_OBJECT;
  return type === 'json_schema' && isRecord(schema) ? schema : undefined;
}
