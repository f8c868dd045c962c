import { isRecord, type JsonRecord, recordsOf, stringOf } from './json.ts';
import { exampleValue } from './schema-values.ts';

export interface Tool {
  name: string;
  description: string;
  /** JSON Schema. */
  parameters: JsonRecord;
}

export interface ToolCall {
  name: string;
  arguments: string;
}

const FILLER_CHARS_MAX = 40;

/** The function tools of a call: chat nests them under `function`, Responses does not. Other kinds are left out. */
export function functionTools(tools: unknown): Tool[] {
  return recordsOf(tools)
    .filter((tool) => tool.type === 'function')
    .map((tool) => (isRecord(tool.function) ? tool.function : tool))
    .map((tool) => ({
      name: stringOf(tool.name) ?? '',
      description: stringOf(tool.description) ?? '',
      parameters: isRecord(tool.parameters) ? tool.parameters : {},
    }))
    .filter((tool) => tool.name !== '');
}

/** The function that `tool_choice` names, in either surface's shape. */
function chosenName(toolChoice: unknown): string | undefined {
  if (!isRecord(toolChoice)) return undefined;
  return stringOf(isRecord(toolChoice.function) ? toolChoice.function.name : toolChoice.name);
}

export interface ToolQuestion {
  prompt: string;
  tools: readonly Tool[];
  toolChoice: unknown;
  parallel: boolean;
}

/**
 * Which tools the simulated model calls. The trigger: the last user text says `call NAME` or `use NAME` (each named
 * tool once, in the order of `tools`; only the first without parallel calls), or `tool_choice` is `required` or names
 * one. Arguments: the JSON object after `with` in the prompt, else an example that fits the tool's schema.
 */
export function toolCalls({ prompt, tools, toolChoice, parallel }: ToolQuestion): ToolCall[] {
  if (toolChoice === 'none') return [];
  const named = tools.filter((tool) => mentions(prompt, tool.name));
  const forced = tools.find((tool) => tool.name === chosenName(toolChoice));
  const first = tools[0];
  let called = named;
  if (forced) called = [forced];
  else if (named.length === 0 && toolChoice === 'required' && first) called = [first];
  return (parallel ? called : called.slice(0, 1)).map((tool) => ({
    name: tool.name,
    arguments: givenArguments(prompt) ?? exampleArguments(tool, prompt),
  }));
}

function mentions(prompt: string, name: string): boolean {
  const text = prompt.toLowerCase();
  return ['call ', 'use '].some((verb) => {
    const at = text.indexOf(verb + name.toLowerCase());
    return at >= 0 && !/\w/.test(text[at + verb.length + name.length] ?? '');
  });
}

function givenArguments(prompt: string): string | undefined {
  const given = /\bwith (\{.*\})/s.exec(prompt)?.[1];
  if (given === undefined) return undefined;
  try {
    return JSON.stringify(JSON.parse(given));
  } catch {
    return undefined;
  }
}

function exampleArguments(tool: Tool, prompt: string): string {
  const value = exampleValue(tool.parameters, prompt.slice(0, FILLER_CHARS_MAX));
  return JSON.stringify(isRecord(value) ? value : {});
}
