import { isRecord, type JsonRecord } from './json.ts';
import { embeddingTokens } from './prompt-tokens.ts';
import { type IssuedUsage, issuedUsage } from './usage.ts';

const DIMENSIONS = 1_536;
/** Each word moves so many of a vector's dimensions. */
const FEATURES_PER_WORD = 8;

export type EmbeddingInput = string | readonly number[];

/** `input` is one text, one list of tokens, or a list of either. */
export function embeddingInputs(input: unknown): EmbeddingInput[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === 'number')) return [input];
  return input.filter((item) => typeof item === 'string' || Array.isArray(item));
}

export async function embeddingUsage(inputs: readonly EmbeddingInput[]): Promise<IssuedUsage> {
  let promptTokens = 0;
  for (const input of inputs) promptTokens += await embeddingTokens(input);
  return issuedUsage({ promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 });
}

export function embeddingList(model: string, inputs: readonly EmbeddingInput[], body: JsonRecord, usage: IssuedUsage) {
  const dimensions = typeof body.dimensions === 'number' ? body.dimensions : DIMENSIONS;
  const base64 = isRecord(body) && body.encoding_format === 'base64';
  return {
    object: 'list',
    data: inputs.map((input, index) => {
      const vector = embed(input, dimensions);
      return { object: 'embedding', index, embedding: base64 ? toBase64(vector) : [...vector] };
    }),
    model,
    usage: { prompt_tokens: usage.promptTokens, total_tokens: usage.totalTokens },
  };
}

/** A unit vector that depends on the words alone: texts that share words are near, the same text is the same vector. */
function embed(input: EmbeddingInput, dimensions: number): Float32Array {
  const words =
    typeof input === 'string' ? (input.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [input]) : input.map(String);
  const vector = new Float32Array(dimensions);
  for (const word of words) {
    let hash = fnv1a(word);
    for (let feature = 0; feature < FEATURES_PER_WORD; feature += 1) {
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
      const at = hash % dimensions;
      vector[at] = (vector[at] ?? 0) + (hash & 0x10000 ? 1 : -1);
    }
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Little-endian 32-bit floats, whatever the machine. */
function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
