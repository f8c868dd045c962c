import type { GuardPool } from '@tollgate/guard';
import type { Background } from '../../adapters/background.ts';
import type { Joins } from '../../adapters/joins.ts';
import type { ParsePool } from '../../adapters/parse-pool.ts';

/** Whom the steps of a request ask. */
export interface Tools {
  auth: GuardPool;
  pii: GuardPool;
  cache: GuardPool;
  router: GuardPool;
  parser: ParsePool;
  joins: Joins;
  background: Pick<Background, 'expectRoom' | 'keptAs'>;
}
