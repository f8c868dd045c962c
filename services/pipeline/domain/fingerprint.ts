import { createHash, type Hash } from 'node:crypto';
import type { Surface } from '@tollgate/contracts';
import type { Body } from './body/body.ts';

export interface FingerprintContext {
  revision: number;
  proxy: string;
  surface: Surface;
  /** The model that was asked for by name, or the rotation's mark. */
  model: string;
  /** What outside of the body chooses how it is answered; empty = nothing. */
  protocol: readonly string[];
}

/** Members that do not change the answer, only how it travels or whom it is booked on. */
const ignored = new Set([
  'model',
  'stream',
  'stream_options',
  'user',
  'safety_identifier',
  'metadata',
  'prompt_cache_key',
  'prompt_cache_retention',
]);

/** Hashed in one go; more would keep small requests waiting. */
const sliceBytes = 512 * 1024;

/**
 * SHA-256 over everything that changes the answer. With `byMeaning` the last user text is left out: it is compared by
 * itself. Top-level
 * members count in the order of their names. Large bodies are hashed in slices, giving way between them.
 */
export function fingerprint(body: Body, context: FingerprintContext, byMeaning: boolean): Buffer | Promise<Buffer> {
  const hash = createHash('sha256');
  const { revision, proxy, surface, model, protocol } = context;
  hash.update(JSON.stringify([1, revision, proxy, surface, model, ...protocol]));
  const parts = hashedParts(body, byMeaning);
  if (body.bytes.length <= sliceBytes) {
    for (const part of parts) hash.update(part);
    return hash.digest();
  }
  return hashSlowly(hash, parts);
}

function hashedParts({ bytes, index }: Body, byMeaning: boolean): Buffer[] {
  const parts: Buffer[] = [];
  const last = byMeaning ? index.texts[index.lastUserText] : undefined;
  const members = index.members.filter(({ key }) => !ignored.has(key)).sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, start, end } of members) {
    // The lengths keep one member's end from passing for another's beginning.
    parts.push(
      Buffer.from(
        `${JSON.stringify(key)}:${end - start - (last && last.start >= start && last.end <= end ? last.end - last.start : 0)}:`,
      ),
    );
    if (last && last.start >= start && last.end <= end)
      parts.push(bytes.subarray(start, last.start), bytes.subarray(last.end, end));
    else parts.push(bytes.subarray(start, end));
  }
  return parts;
}

async function hashSlowly(hash: Hash, parts: Buffer[]): Promise<Buffer> {
  for (const part of parts) {
    for (let start = 0; start < part.length; start += sliceBytes) {
      hash.update(part.subarray(start, start + sliceBytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return hash.digest();
}
