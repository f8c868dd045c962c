import { isRecord, type JsonRecord } from '../../../domain/json.ts';
import { cacheControl } from './blocks.ts';
import { listAt, recordAt, textAt } from './read.ts';
import { malformed, unserved } from './refuse.ts';

/** `tools` and `tool_choice` of Anthropic's; both left out where the caller has no tools. */
export interface Tools {
  tools?: JsonRecord[];
  tool_choice?: JsonRecord;
}

/** Functions of both surfaces: those of chat stand in `function`, those of responses in the tool itself. */
export function toolsOf(body: JsonRecord): Tools {
  if (body.tools == null) return {};
  const tools = listAt(body.tools, 'tools').map(toolOf);
  if (tools.length === 0) return {};
  const choice = choiceOf(body.tool_choice ?? 'auto', body.parallel_tool_calls === false);
  return choice === undefined ? { tools } : { tools, tool_choice: choice };
}

/** The model must call a tool: Anthropic then does not let it think. */
export function isForced({ tool_choice: choice }: Tools): boolean {
  return choice?.type === 'any' || choice?.type === 'tool';
}

function toolOf(value: unknown, at: number): JsonRecord {
  const path = `tools[${at}]`;
  const tool = recordAt(value, path);
  if (tool.type !== 'function') throw unserved(`${path}.type`);
  const inside = isRecord(tool.function);
  const fn = inside ? (tool.function as JsonRecord) : tool;
  const place = inside ? `${path}.function` : path;
  return {
    name: textAt(fn.name, `${place}.name`),
    ...(fn.description == null ? {} : { description: textAt(fn.description, `${place}.description`) }),
    input_schema: fn.parameters == null ? { type: 'object', properties: {} } : schemaOf(fn, place),
    ...(fn.strict === true ? { strict: true } : {}),
    ...cacheControl(tool),
  };
}

/** Anthropic wants the type of the arguments said, which OpenAI takes as given. */
function schemaOf(fn: JsonRecord, path: string): JsonRecord {
  const schema = recordAt(fn.parameters, `${path}.parameters`);
  return schema.type === undefined ? { type: 'object', ...schema } : schema;
}

/** Undefined: as Anthropic does it without being told. */
function choiceOf(value: unknown, single: boolean): JsonRecord | undefined {
  const limit = single ? { disable_parallel_tool_use: true } : {};
  switch (value) {
    case 'auto':
      return single ? { type: 'auto', ...limit } : undefined;
    case 'none':
      return { type: 'none' };
    case 'required':
      return { type: 'any', ...limit };
  }
  if (!isRecord(value)) throw malformed('tool_choice', 'auto, none, required, or a function');
  if (value.type !== 'function') throw unserved('tool_choice.type');
  const inside = isRecord(value.function);
  const name = inside ? (value.function as JsonRecord).name : value.name;
  return { type: 'tool', name: textAt(name, inside ? 'tool_choice.function.name' : 'tool_choice.name'), ...limit };
}
