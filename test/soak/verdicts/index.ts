import { answers } from './answers.ts';
import { limitHolds, refusalsAreRight, reservedIsZero, spentIsLedger } from './budgets.ts';
import type { Facts, Verdict } from './facts.ts';
import { leasesAreRenewed } from './leases.ts';
import { memoryIsBounded } from './memory.ts';
import { rollupsAreRows } from './rollups.ts';
import { rows } from './rows.ts';
import { served } from './served.ts';
import { strictHolds, withoutStrict } from './strict.ts';
import { completedUsage, partialUsage } from './usage.ts';

export type { Facts, Verdict } from './facts.ts';

const verdicts: readonly ((facts: Facts) => Verdict)[] = [
  answers,
  served,
  rows,
  completedUsage,
  partialUsage,
  reservedIsZero,
  spentIsLedger,
  limitHolds,
  strictHolds,
  (facts) => refusalsAreRight(withoutStrict(facts)),
  leasesAreRenewed,
  rollupsAreRows,
  memoryIsBounded,
];

export const judge = (facts: Facts): Verdict[] => verdicts.map((verdict) => verdict(facts));
