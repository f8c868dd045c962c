import type { CacheHit, ErrorDetail, KeptAnswer } from '@tollgate/contracts';

/** What a step says of a request: go on to the next one, or answer now. */
export type Verdict =
  | { kind: 'next' }
  | { kind: 'refuse'; error: ErrorDetail }
  | { kind: 'hit'; hit: CacheHit }
  /** What the request got that had this idempotency key before. */
  | { kind: 'replay'; answer: KeptAnswer }
  /** JSON of pipeline's own. */
  | { kind: 'answer'; body: Buffer };

export const next: Verdict = { kind: 'next' };

export const refuse = (error: ErrorDetail): Verdict => ({ kind: 'refuse', error });
