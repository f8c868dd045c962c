import { Surface } from '@tollgate/contracts';
import type { InputParts } from './input-parts.ts';
import { messageInputParts } from './message-input.ts';
import { isReference } from './references.ts';

type Json = Record<string, unknown>;

const both = [
  ...['model', 'stream', 'stream_options', 'temperature', 'top_p', 'top_logprobs', 'tools', 'tool_choice'],
  ...['parallel_tool_calls', 'user', 'safety_identifier', 'metadata', 'store', 'service_tier'],
  ...['prompt_cache_key', 'prompt_cache_retention'],
];

/** Members that add nothing to a prompt but what stands in them. Others may refer to something: a stored prompt, a search. */
const plainMembers: Partial<Record<Surface, ReadonlySet<string>>> = {
  [Surface.CHAT_COMPLETIONS]: new Set([
    ...both,
    ...['messages', 'max_completion_tokens', 'max_tokens', 'n', 'stop', 'presence_penalty', 'frequency_penalty'],
    ...[
      'logit_bias',
      'logprobs',
      'seed',
      'functions',
      'function_call',
      'response_format',
      'reasoning_effort',
      'verbosity',
    ],
  ]),
  [Surface.RESPONSES]: new Set([
    ...both,
    ...['input', 'instructions', 'max_output_tokens', 'max_tool_calls', 'text', 'reasoning', 'include', 'truncation'],
    'client_metadata',
  ]),
  [Surface.EMBEDDINGS]: new Set(['model', 'input', 'dimensions', 'encoding_format', 'user']),
};

/** Members that ask for more only with these values. */
const harmless: Readonly<Record<string, (value: unknown) => boolean>> = {
  // It goes to its provider as any other.
  background: (value) => typeof value === 'boolean',
  modalities: (value) => Array.isArray(value) && value.every((one) => one === 'text'),
};

/** Tools that the caller runs: what they find comes back in the body. */
const callersTools = new Set<unknown>(['function', 'custom']);
const textParts = new Set<unknown>(['text', 'input_text', 'output_text', 'refusal']);
const imageParts = new Set<unknown>(['image_url', 'input_image']);
const fileParts = new Set<unknown>(['file', 'input_file']);
/** Items of a responses call whose content stands in them; a missing type is a message. */
const plainItems = new Set<unknown>([
  ...[undefined, 'message', 'function_call', 'function_call_output', 'custom_tool_call', 'custom_tool_call_output'],
]);

/**
 * Looks through a body for what its size does not bound. What is not known counts as unbounded, so that a new way to refer to
 * something is refused under a strict limit, and never passes it.
 */
export function inputParts(body: Json, surface: Surface): InputParts {
  if (surface === Surface.MESSAGES) return messageInputParts(body);
  const parts: InputParts = { images: 0, files: 0, dataBytes: 0, unbounded: '' };
  const plain = plainMembers[surface];
  for (const [name, value] of Object.entries(body)) {
    if (value === null || plain?.has(name) || harmless[name]?.(value)) continue;
    parts.unbounded = name;
    return parts;
  }
  lookAtTools(body.tools, parts);
  const name = surface === Surface.CHAT_COMPLETIONS ? 'messages' : 'input';
  const items = body[name];
  if (!Array.isArray(items)) return parts;
  for (const [at, item] of items.entries()) {
    if (parts.unbounded !== '') break;
    lookAtItem(item, `${name}[${at}]`, surface, parts);
  }
  return parts;
}

function lookAtTools(tools: unknown, parts: InputParts): void {
  if (!Array.isArray(tools)) return;
  const at = tools.findIndex((tool) => !callersTools.has((tool as Json | null)?.type));
  if (at >= 0) parts.unbounded = `tools[${at}].type`;
}

function lookAtItem(item: unknown, path: string, surface: Surface, parts: InputParts): void {
  if (typeof item !== 'object' || item === null) return;
  const { type, content, output, audio } = item as Json;
  if (surface === Surface.RESPONSES && (!plainItems.has(type) || isReference(item))) parts.unbounded = `${path}.type`;
  // A spoken answer that the provider keeps.
  else if (audio != null) parts.unbounded = `${path}.audio`;
  lookAtContent(content, `${path}.content`, parts);
  lookAtContent(output, `${path}.output`, parts);
}

function lookAtContent(content: unknown, path: string, parts: InputParts): void {
  if (!Array.isArray(content)) return;
  for (const [at, part] of content.entries()) {
    if (typeof part === 'string') continue;
    const type = (part as Json | null)?.type;
    if (textParts.has(type)) continue;
    if (imageParts.has(type)) parts.images++;
    else if (fileParts.has(type)) parts.files++;
    else {
      parts.unbounded ||= `${path}[${at}].type`;
      return;
    }
    parts.dataBytes += dataBytes(part as Json);
  }
}

/** A string has at least as many bytes in the body as units here. */
function dataBytes({ image_url: image, file, file_data: own }: Json): number {
  const url = (image as Json | undefined)?.url ?? image;
  const data = (file as Json | undefined)?.file_data ?? own;
  return [url, data].reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 0), 0);
}
