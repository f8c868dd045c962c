import { archived } from '../books/archive.ts';
import type { Sums } from '../books/ledger.ts';
import type { Facts, Verdict } from './facts.ts';

/** Both rollups say what the deduplicated rows say, and so does the page that reads them. */
export function rollupsAreRows({ ledger, archive }: Pick<Facts, 'ledger' | 'archive'>): Verdict {
  const findings = [...differences('hour', ledger.hourly), ...differences('day', ledger.daily)];
  for (const figure of ['requests', 'tokens', 'costNanoUsd'] as const)
    if (archive[figure] !== archived[figure])
      findings.push(`the page says ${archive[figure]} ${figure} of older hours, told were ${archived[figure]}`);
  const figures = {
    hourlyGroups: Object.keys(ledger.hourly.rollup).length,
    dailyGroups: Object.keys(ledger.daily.rollup).length,
    archivedTokens: archived.tokens,
    pageTokens: archive.tokens,
  };
  return { name: 'rollups and pages say what the rows say', figures, findings };
}

function differences(what: string, { rollup, rows }: { rollup: Sums; rows: Sums }): string[] {
  const names = new Set([...Object.keys(rollup), ...Object.keys(rows)]);
  return [...names].flatMap((name) => {
    const [summed, counted] = [JSON.stringify(rollup[name]), JSON.stringify(rows[name])];
    return summed === counted ? [] : [`${what} ${name}: rollup ${summed ?? 'nothing'}, rows ${counted ?? 'nothing'}`];
  });
}
