import { isRecord, isText, type JsonRecord, parseRecord } from '../../../domain/json.ts';

/**
 * What was thought, as `encrypted_content` of a reasoning item: Anthropic wants its blocks back as it gave them, with their
 * signature. It is opaque to callers, and no secret: the signature is what proves it.
 */
export function sealThought(block: JsonRecord): string {
  return Buffer.from(JSON.stringify({ anthropic: block })).toString('base64');
}

/** Undefined for what is no thought of Anthropic's. */
export function openThought(content: unknown): JsonRecord | undefined {
  if (!isText(content)) return undefined;
  const block = parseRecord(Buffer.from(content, 'base64').toString('utf8'))?.anthropic;
  if (!isRecord(block)) return undefined;
  const { type, data, thinking, signature } = block;
  if (type === 'redacted_thinking' && isText(data)) return { type, data };
  if (type !== 'thinking' || typeof thinking !== 'string' || !isText(signature)) return undefined;
  return { type, thinking, signature };
}
