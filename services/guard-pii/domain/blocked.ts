import type { ErrorDetail } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';

/**
 * The refusal of a request in which this was found, occurrences by entity; undefined when nothing was. It names the
 * guardrail, the direction and the entities, never the text.
 */
export function blocked(entities: Readonly<Record<string, number>>): ErrorDetail | undefined {
  const found = Object.keys(entities).sort();
  if (found.length === 0) return undefined;
  const message = `The guardrail piiMasking refused this request: it contains personal data (${found.join(', ')}). Take it out and send the request again.`;
  return toErrorDetail(new TollgateError('guardrail_intervened', { message }));
}
