import { TollgateError } from '@tollgate/errors';
import type { Body } from '../domain/body/body.ts';
import { maskedBytesMax } from '../domain/body/masked-bytes.ts';
import { withOutputLimit } from '../domain/body/output-limit.ts';
import type { Run } from './run.ts';

/**
 * The body as strict limits let it go upstream: no longer than was reserved for, and with no more output than was granted, which
 * the caller is told where it asked for more. After the cache: what is asked there is what the caller asked.
 *
 * @throws TollgateError `request_exceeds_limit` when masking made it longer than it may be
 */
export function withinGrant(run: Run): Body {
  const { request, body, receipt } = run;
  const granted = receipt?.outputTokensMax;
  if (granted === undefined) return body;
  if (body.bytes.length > maskedBytesMax(request.bodyBytes, run.proxy)) {
    throw new TollgateError('request_exceeds_limit', {
      message: 'Masking made this request longer than a strict limit has reserved for. Send fewer texts at once.',
    });
  }
  const limited = withOutputLimit(body, request.surface, granted);
  if (limited !== body) run.headers['x-tollgate-max-output-tokens'] = String(granted);
  return limited;
}
