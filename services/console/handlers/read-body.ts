import type { z } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';

/** @throws TollgateError `invalid_request` that names every fault. */
export function readBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new TollgateError('invalid_request', {
    message: faults.join('; '),
    param: parsed.error.issues[0]?.path.join('.'),
  });
}
