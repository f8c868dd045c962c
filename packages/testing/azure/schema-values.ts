import { isRecord, type JsonRecord, numberOf, stringOf } from './json.ts';

const DEPTH_MAX = 8;

/**
 * A value that fits a JSON Schema, always the same for the same schema and filler: the arguments of tool calls and
 * structured answers. Strings become the filler, numbers their minimum or 1. Unknown keywords are ignored.
 */
export function exampleValue(schema: unknown, filler: string, root: unknown = schema, depth = 0): unknown {
  if (!isRecord(schema) || depth > DEPTH_MAX) return null;
  const reference = stringOf(schema.$ref);
  if (reference !== undefined) return exampleValue(resolve(root, reference), filler, root, depth + 1);
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  const branch = [schema.anyOf, schema.oneOf, schema.allOf].find(Array.isArray);
  if (branch) return exampleValue(branch[0], filler, root, depth + 1);
  switch (typeOf(schema)) {
    case 'object':
      return exampleObject(schema, filler, root, depth);
    case 'array':
      return [exampleValue(schema.items ?? { type: 'string' }, filler, root, depth + 1)];
    case 'string':
      return filler.slice(0, numberOf(schema.maxLength) ?? filler.length);
    case 'integer':
    case 'number':
      return numberOf(schema.minimum) ?? 1;
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function typeOf(schema: JsonRecord): string | undefined {
  const type = Array.isArray(schema.type) ? schema.type.find((name) => name !== 'null') : schema.type;
  return stringOf(type) ?? (isRecord(schema.properties) ? 'object' : undefined);
}

function exampleObject(schema: JsonRecord, filler: string, root: unknown, depth: number): JsonRecord {
  const properties = isRecord(schema.properties) ? Object.entries(schema.properties) : [];
  return Object.fromEntries(
    properties.map(([key, property]) => [key, exampleValue(property, filler, root, depth + 1)]),
  );
}

function resolve(root: unknown, reference: string): unknown {
  let found = root;
  for (const step of reference.split('/').slice(1)) {
    if (!isRecord(found)) return undefined;
    found = found[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}
