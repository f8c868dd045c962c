import { until } from '../../support/until.ts';
import type { BudgetReader } from '../books/budgets.ts';
import type { LedgerReader } from '../books/ledger.ts';
import type { UsageStream } from '../installation/usage-stream.ts';

/** A lease of 30 s, the reaper that comes every 5 s, a redelivery after 20 s, and the same once more. */
const quietMsMax = 150_000;
const askEveryMs = 500;

/** Until nobody holds a reservation and every message of usage is settled and written. */
export async function untilQuiet(usage: UsageStream, budgets: BudgetReader): Promise<void> {
  await until(
    'no lease, nothing to settle, nothing to write',
    async () => {
      const [leases, settle, ledger] = [
        await budgets.leases(),
        await usage.pending('settle'),
        await usage.pending('ledger'),
      ];
      return (leases === 0 && settle === 0 && ledger === 0) || undefined;
    },
    quietMsMax,
    askEveryMs,
  );
}

/** Until the rollups were refreshed after everything that stands in the ledger now. */
export async function untilRolledUp(ledger: LedgerReader): Promise<void> {
  const writtenMs = await ledger.lastInsertMs();
  await until(
    'a refresh of the rollups',
    async () => (await ledger.rolledUpMs()) > writtenMs || undefined,
    60_000,
    askEveryMs,
  );
}
