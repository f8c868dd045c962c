import { singular } from './canonical/plural.ts';
import { functionWords } from './text/english.ts';
import type { Token } from './text/token.ts';

export const dimensions = 256;

const functionWeight = 0.25;
// All character n-grams of a word together, against 1 for the word itself.
const gramsWeight = 0.6;
const gramLength = 3;
const gramsMax = 24;

/**
 * LOCAL: hashed stems and character trigrams, signed, into 256 dimensions of length 1. Deterministic, no model, no network.
 * It finds texts of nearly the same words, in any order; whether one may answer the other is for agreement to say.
 */
export function embedLocal(tokens: readonly Token[]): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const token of tokens) {
    if (token.kind === 'break') continue;
    const isWord = token.kind === 'word';
    const text = isWord ? singular(token.text) : token.text;
    const weight = isWord && functionWords.has(token.text) ? functionWeight : 1;
    add(vector, fnv(text, 0, text.length, 1), weight);
    if (weight === 1) addGrams(vector, text);
  }
  return toUnitLength(vector);
}

function addGrams(vector: Float32Array, text: string): void {
  const padded = ` ${text} `;
  const count = Math.min(gramsMax, padded.length - gramLength + 1);
  const weight = gramsWeight / Math.sqrt(Math.max(1, count));
  for (let at = 0; at < count; at++) add(vector, fnv(padded, at, at + gramLength, 2), weight);
}

// One hash gives place and sign: the sign keeps collisions from adding up.
function add(vector: Float32Array, hash: number, weight: number): void {
  const place = hash & (dimensions - 1);
  vector[place] = (vector[place] ?? 0) + ((hash >>> 16) & 1 ? weight : -weight);
}

function fnv(text: string, from: number, to: number, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // FNV alone leaves the low bits of short strings alike (murmur's finaliser).
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash >>> 0;
}

function toUnitLength(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const scale = sum === 0 ? 0 : 1 / Math.sqrt(sum);
  for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] ?? 0) * scale;
  return vector;
}
