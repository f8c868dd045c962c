/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

const SECRET_NAMES = [
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'apikey',
  'api_key',
  'password',
  'pass',
  'secret',
  'token',
  'admintoken',
  'cookie',
  'set-cookie',
].join('|');

/**
 * One pass over the finished line finds secrets at any depth and inside of texts (messages of other libraries, URLs in
 * stack traces), which a list of paths would not:
 * 1. the text after a name that means a credential, in JSON or in JSON inside of a JSON text;
 * 2. user and password of a URL;
 * 3. what follows `Bearer` or `Basic`;
 * 4. our own keys, and keys in the shape of the providers'.
 * No alternative can match in more than one way, so a line costs time by its length only.
 */
const SECRETS = new RegExp(
  [
    `(?<name>\\\\*"(?:${SECRET_NAMES})\\\\*":\\s*\\\\*")(?:[^"\\\\]|\\\\[^"])+`,
    '(?<scheme>[a-z][a-z0-9+.-]{1,15}://)[^\\s"@/\\\\]{1,512}@',
    '(?<kind>\\b(?:bearer|basic) +)[\\w.~+/=-]{8,}',
    '\\btg_[0-9a-f]{8,}',
    '\\bsk-[\\w-]{16,}',
  ].join('|'),
  'gi',
);

/** A log line without secrets. Not for prompts and answers: those are never logged at all. */
export function redact(line: string): string {
  return line.replace(SECRETS, (match, ...rest) => {
    const { name, scheme, kind } = rest.at(-1) as Record<string, string | undefined>;
    if (scheme !== undefined) return `${scheme}${REDACTED}@`;
    return match === '' ? match : `${name ?? kind ?? ''}${REDACTED}`;
  });
}
