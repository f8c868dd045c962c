import type { IncomingHttpHeaders } from 'node:http';
import { isMessages, type Surface } from '@tollgate/contracts';

/** What may go out with a request beside our own headers; ingress filters too, but this is the way out. */
const outgoing = ['openai-beta'] as const;
/** The same of Anthropic's own surface. */
const outgoingOnMessages = ['anthropic-beta', 'anthropic-version'] as const;

/** What of a provider's answer may reach the caller: never its rate limits, cookies, organisation or x-ms-*. */
const incoming = ['content-type', 'content-language', 'openai-version', 'openai-processing-ms'] as const;

export function outgoingHeaders(headers: Readonly<Record<string, string>>, surface: Surface): string[] {
  const passed: string[] = [];
  for (const name of isMessages(surface) ? outgoingOnMessages : outgoing) {
    const value = headers[name];
    if (value !== undefined) passed.push(name, value);
  }
  return passed;
}

export function incomingHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of incoming) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}

/** The media type alone, in lower case. */
export function mediaType(headers: IncomingHttpHeaders): string {
  const value = headers['content-type'] ?? '';
  const end = value.indexOf(';');
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase();
}
