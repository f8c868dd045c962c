/** What stands where a secret stood. */
export const REDACTED = '[redacted]';

/** Members that hold credentials: `apiKey`, `x-api-key`, `TOLLGATE_ADMIN_TOKEN`, `set-cookie`, … but not `tokens`. */
const SECRET_NAME = '[\\w-]{0,64}?(?:authorization|api[-_]?key|password|secret|token|cookie)';

/**
 * One pass over the finished line finds secrets at any depth and inside of texts (messages of other libraries, URLs in
 * stack traces), which a list of paths would not. Each alternative matches in one way only, so a line costs time by its
 * length.
 */
const SECRETS = new RegExp(
  [
    // A text after such a name, in JSON …
    `(?<name>"${SECRET_NAME}":")(?:[^"\\\\]|\\\\.)+`,
    // … and in JSON inside of a JSON text, where quotes are escaped once and those of the value twice.
    `(?<inner>\\\\"${SECRET_NAME}\\\\":\\s*\\\\")(?:[^"\\\\]|\\\\\\\\(?:\\\\["\\\\]|[^"\\\\]))+`,
    // User and password of a URL.
    '(?<=://)[^\\s"@/\\\\]{1,512}(?=@)',
    '(?<scheme>\\b(?:bearer|basic) +)[\\w.~+/=-]{8,}',
    // Our own keys, and keys in the shape of OpenAI's.
    '\\btg_[0-9a-f]{8,}',
    '\\bsk-[\\w-]{16,}',
  ].join('|'),
  'gi',
);

/** A log line without secrets. Not for prompts and answers: those are never logged at all. */
export function redact(line: string): string {
  return line.replace(SECRETS, `$<name>$<inner>$<scheme>${REDACTED}`);
}
