import { TollgateError } from '@tollgate/errors';
import type { JsonRecord } from '../../../domain/json.ts';

/** What of a request cannot be said to Anthropic. @param param its JSON path, e.g. `messages[1].content[0]` */
export function unserved(param: string, why = "has no counterpart in Anthropic's API"): TollgateError {
  const message = `"${param}" ${why}: leave it out, or ask for a model of another provider.`;
  return new TollgateError('invalid_request', { message, param });
}

/** What of a request is not as OpenAI's wire has it. */
export function malformed(param: string, must: string): TollgateError {
  return new TollgateError('invalid_request', { message: `"${param}" must be ${must}.`, param });
}

/** What may be done with the members of a body. A member that is null counts as left out, as it does at OpenAI. */
export interface MemberRules {
  /** Read elsewhere. */
  translated: ReadonlySet<string>;
  /** Without them the answer is the same. */
  dropped: ReadonlySet<string>;
  /** Only with a value that says what Anthropic does anyway. */
  neutral: Readonly<Record<string, (value: unknown) => boolean>>;
}

/**
 * Nothing that changes the answer is left out in silence: what is not known is refused, as OpenAI refuses it.
 * @throws TollgateError `invalid_request`
 */
export function checkMembers(body: JsonRecord, { translated, dropped, neutral }: MemberRules): void {
  for (const [name, value] of Object.entries(body)) {
    if (value === null || translated.has(name) || dropped.has(name)) continue;
    const isNeutral = Object.hasOwn(neutral, name) ? neutral[name] : undefined;
    if (isNeutral?.(value)) continue;
    // A name of no known form is the caller's text, which no error repeats.
    throw isNeutral || /^[a-z][a-z0-9_]{0,63}$/.test(name)
      ? unserved(name)
      : malformed('', 'an object whose members OpenAI knows');
  }
}

export const never = (): boolean => false;
export const only =
  (...values: unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
export const emptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
