import type { z } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';

/** A body or a query string. @throws TollgateError `invalid_request` that names every fault */
export function readInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'request'}: ${issue.message}`);
  throw new TollgateError('invalid_request', {
    message: faults.join('; '),
    param: parsed.error.issues[0]?.path.join('.'),
  });
}
