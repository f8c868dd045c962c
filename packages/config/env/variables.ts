import { z } from 'zod';

/** A TCP port; 0 = any free one. */
export function portVariable(portDefault: number) {
  return integerVariable({ min: 0, max: 65_535, default: portDefault });
}

/** A whole number within bounds, written in digits. */
export function integerVariable(bounds: { min: number; max: number; default: number }) {
  const text = `must be a whole number from ${bounds.min} to ${bounds.max}`;
  return z
    .string()
    .regex(/^-?\d{1,16}$/, text)
    .transform(Number)
    .refine((value) => value >= bounds.min && value <= bounds.max, text)
    .default(bounds.default);
}

export function booleanVariable(valueDefault: boolean) {
  return z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .default(valueDefault);
}

/** One URL, or several with commas between them where `several` says so. The scheme is checked, the rest is the client's. */
export function urlVariable(schemes: readonly string[], { several = false } = {}) {
  const forms = schemes.map((scheme) => `${scheme}://host:port`).join(' or ');
  return z
    .string({ error: `must be set: ${forms}` })
    .refine(
      (value) => (several ? value.split(',') : [value]).every((url) => isUrl(url.trim(), schemes)),
      `must be ${forms}${several ? ' (several: with commas between them)' : ''}`,
    );
}

function isUrl(value: string, schemes: readonly string[]): boolean {
  const url = URL.parse(value);
  return url !== null && url.hostname !== '' && schemes.includes(url.protocol.slice(0, -1));
}
