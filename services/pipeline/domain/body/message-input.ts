import type { InputParts } from './input-parts.ts';

type Json = Record<string, unknown>;

/** Members of a call of messages that add nothing to a prompt but what stands in them. */
const plainMembers = new Set([
  ...[
    'model',
    'messages',
    'system',
    'max_tokens',
    'metadata',
    'stop_sequences',
    'stream',
    'temperature',
    'top_k',
    'top_p',
  ],
  ...['tools', 'tool_choice', 'thinking', 'service_tier', 'speed', 'output_config', 'output_format'],
]);

/** Tools of Anthropic's bring prompts of their own, or search by themselves; those of the caller have no type but this. */
const callersTools = new Set<unknown>([undefined, 'custom']);

const plainBlocks = new Set<unknown>(['text', 'thinking', 'redacted_thinking', 'tool_use']);
/** Blocks with blocks, or a text, in their content. */
const nestedBlocks = new Set<unknown>(['tool_result', 'search_result']);

/** What of a call of messages its size does not bound, as `inputParts` says it of the others. */
export function messageInputParts(body: Json): InputParts {
  const parts: InputParts = { images: 0, files: 0, dataBytes: 0, unbounded: '' };
  const other = Object.entries(body).find(
    ([name, value]) => value !== null && !plainMembers.has(name) && !(name === 'context_management' && clears(value)),
  );
  parts.unbounded = other?.[0] ?? '';
  const tools = Array.isArray(body.tools) ? body.tools : [];
  const foreign = tools.findIndex((tool) => !callersTools.has((tool as Json | null)?.type));
  if (foreign >= 0) parts.unbounded ||= `tools[${foreign}].type`;
  lookAtBlocks(body.system, 'system', parts);
  const messages = Array.isArray(body.messages) ? body.messages : [];
  for (const [at, message] of messages.entries()) {
    lookAtBlocks((message as Json | null)?.content, `messages[${at}].content`, parts);
  }
  return parts;
}

/** It only takes away from the prompt; to compact it costs a call of its own. */
function clears(management: unknown): boolean {
  const { edits } = (management ?? {}) as Json;
  const only = (edit: unknown) => String((edit as Json | null)?.type).startsWith('clear_');
  return Array.isArray(edits) && edits.every(only) && Object.keys(management as Json).length === 1;
}

function lookAtBlocks(content: unknown, path: string, parts: InputParts): void {
  if (!Array.isArray(content)) return;
  for (const [at, block] of content.entries()) {
    if (parts.unbounded !== '') return;
    lookAtBlock((block ?? {}) as Json, `${path}[${at}]`, parts);
  }
}

function lookAtBlock({ type, content, source }: Json, path: string, parts: InputParts): void {
  if (plainBlocks.has(type)) return;
  if (nestedBlocks.has(type)) lookAtBlocks(content, `${path}.content`, parts);
  else if (type === 'image') addSource(source, 'images', parts);
  else if (type === 'document') lookAtDocument(source, path, parts);
  else parts.unbounded = `${path}.type`;
}

function lookAtDocument(source: unknown, path: string, parts: InputParts): void {
  const { type, content } = (source ?? {}) as Json;
  if (type === 'text') return;
  if (type === 'content') lookAtBlocks(content, `${path}.source.content`, parts);
  else addSource(source, 'files', parts);
}

/** A string has at least as many bytes in the body as units here. */
function addSource(source: unknown, kind: 'images' | 'files', parts: InputParts): void {
  const { data } = (source ?? {}) as Json;
  parts[kind]++;
  if (typeof data === 'string') parts.dataBytes += data.length;
}
