import type { CacheHit, ErrorDetail } from '@tollgate/contracts';

/** What a step says of a request: go on to the next one, or answer now. */
export type Verdict =
  | { kind: 'next' }
  | { kind: 'refuse'; error: ErrorDetail }
  | { kind: 'hit'; hit: CacheHit }
  /** JSON of pipeline's own. */
  | { kind: 'answer'; body: Buffer };

export const next: Verdict = { kind: 'next' };

export const refuse = (error: ErrorDetail): Verdict => ({ kind: 'refuse', error });
