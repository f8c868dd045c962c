import { z } from 'zod';

const WAY_OUT = 'is not enforced by this build and must not look as if it held: remove it';

const refused = new WeakSet<z.ZodType>();

/** A setting that exists in the design and that this build refuses by name. */
export function notEnforced() {
  const schema = z.never({ error: WAY_OUT }).optional().meta({ description: 'Not enforced by this build, refused.' });
  refused.add(schema);
  return schema;
}

export function isNotEnforced(schema: unknown): boolean {
  return refused.has(schema as z.ZodType);
}

/** Switched off is what this build does anyway; switched on is refused. */
export function onlyFalse() {
  return z.literal(false, { error: ({ input }) => (input === true ? WAY_OUT : 'must be false') }).optional();
}

/** A choice of which this build has only some; the others are refused by name. */
export function choice<const E extends readonly [string, ...string[]]>(enforced: E, others: readonly string[]) {
  const options = enforced.join(' or ');
  return z.enum(enforced, {
    error: ({ input }) =>
      typeof input === 'string' && others.includes(input)
        ? `${input} ${WAY_OUT}, or use ${options}`
        : `must be ${options}`,
  });
}
