import { Command } from 'commander';
import { adminClient, print, printJson } from './context.ts';
import { table } from './table.ts';

interface Finding {
  compared: string;
  outcome: 'equal' | 'differs' | 'skipped';
  what: string;
  expected: number;
  found: number;
  detail: string;
}

export interface Reconciliation {
  run: string;
  outcome: Finding['outcome'];
  findings: Finding[];
}

/** A little longer than the console waits for analytics. */
const timeoutMs = 120_000;

export const reconcileCommand = () =>
  new Command('reconcile')
    .description('compares JetStream, ClickHouse and Redis now; ends with 1 when they differ')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const client = await adminClient();
      const found = await client.json<Reconciliation>('/api/reconcile', { method: 'POST', timeoutMs });
      if (json) printJson(found);
      else print(reconciliationText(found));
      process.exitCode = exitCodes[found.outcome];
    });

/** A difference, and that there may be one, are told apart to whoever runs it at night. */
const exitCodes: Readonly<Record<Finding['outcome'], number>> = { equal: 0, differs: 1, skipped: 2 };

/** Each comparison as a whole, then what differs. */
function reconciliationText({ findings }: Pick<Reconciliation, 'findings'>): string {
  const wholes = findings.filter(({ what }) => what === '');
  const single = findings.filter(({ what }) => what !== '');
  const summary = table(
    wholes.map(({ compared, outcome, expected, found, detail }) => ({ compared, outcome, expected, found, detail })),
  );
  if (single.length === 0) return summary;
  const differences = table(single.map(({ what, expected, found, detail }) => ({ what, expected, found, detail })));
  return `${summary}\n\nDifferences (docs/runbooks/books-differ.md)\n${differences}`;
}
