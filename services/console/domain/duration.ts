import { TollgateError } from '@tollgate/errors';

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `30d`, `24h`, `15m` … as milliseconds. @throws TollgateError `invalid_request` */
export function parseDuration(text: string, param: string): number {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const ms = match ? Number(match[1]) * (unitMs[match[2] as string] as number) : 0;
  if (ms > 0) return ms;
  throw new TollgateError('invalid_request', {
    message: `"${param}" must be a duration such as 30d, 24h or 15m.`,
    param,
  });
}
