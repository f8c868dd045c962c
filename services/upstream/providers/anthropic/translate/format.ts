import { isRecord, type JsonRecord } from '../../../domain/json.ts';
import { numberAt, recordAt, wholeAt } from './read.ts';
import { unserved } from './refuse.ts';
import type { Thinking } from './thinking.ts';

/**
 * `output_config.format` for a JSON schema; undefined for text. Only a schema binds what Anthropic's models write: JSON of any
 * shape cannot be promised.
 * @param path of the format, whose schema stands in `json_schema` (chat) or in itself (responses)
 */
export function formatOf(value: unknown, path: string): JsonRecord | undefined {
  if (value == null) return undefined;
  const format = recordAt(value, path);
  if (format.type === 'text') return undefined;
  if (format.type !== 'json_schema') throw unserved(`${path}.type`);
  const inside = isRecord(format.json_schema);
  const { schema } = inside ? (format.json_schema as JsonRecord) : format;
  return { type: 'json_schema', schema: recordAt(schema, `${path}${inside ? '.json_schema' : ''}.schema`) };
}

export function outputConfig(format: JsonRecord | undefined, { effort }: Thinking): JsonRecord {
  if (format === undefined && effort === undefined) return {};
  return { output_config: { ...(effort === undefined ? {} : { effort }), ...(format ? { format } : {}) } };
}

/** Sampling that both know. Anthropic's temperature ends at 1, where its own OpenAI endpoint caps it, too. */
export function samplingOf(body: JsonRecord): JsonRecord {
  const sampling: JsonRecord = {};
  const temperature = numberAt(body.temperature, 'temperature');
  if (temperature !== undefined) sampling.temperature = Math.min(temperature, 1);
  if (body.top_p != null) sampling.top_p = body.top_p;
  return sampling;
}

/** Tiers that exist on both sides. */
const tiers: Readonly<Record<string, string>> = { auto: 'auto', default: 'standard_only' };

export function tierOf(value: unknown): JsonRecord {
  if (value == null) return {};
  if (typeof value !== 'string' || !Object.hasOwn(tiers, value)) throw unserved('service_tier');
  return { service_tier: tiers[value] };
}

/** The first of these that is given, as a whole number. */
export function limitOf(body: JsonRecord, ...names: string[]): number | undefined {
  for (const name of names) {
    const limit = wholeAt(body[name], name);
    if (limit !== undefined) return limit;
  }
  return undefined;
}
