import type { AppliedMigration } from './applied.ts';
import { SchemaError } from './fault.ts';
import type { Migration } from './files.ts';

const COMMAND = 'npx tollgate migrate';

/**
 * What is still to be applied.
 * @throws SchemaError when the database was changed by another file of the same number, has gaps, or is ahead of what this build fits
 */
export function pendingMigrations(known: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  checkHistory(known, applied);
  return known.slice(applied.length);
}

/** @throws SchemaError unless a service of this build can work: everything it knows is applied, and nothing newer excludes it */
export function checkFits(known: readonly Migration[], applied: readonly AppliedMigration[]): void {
  const pending = pendingMigrations(known, applied);
  if (pending.length === 0) return;
  throw new SchemaError(
    `the ledger's schema has version ${applied.length}, this build needs ${known.length}: run \`${COMMAND}\``,
  );
}

function checkHistory(known: readonly Migration[], applied: readonly AppliedMigration[]): void {
  applied.forEach((there, index) => {
    const version = index + 1;
    if (there.version !== version) throw new SchemaError(`migration ${version} is missing from the ledger's history`);
    const here = known[index];
    if (here && here.checksum !== there.checksum) {
      throw new SchemaError(
        `migration ${version} (${there.name}) was applied from another text than this build has: a migration is never edited after it was published`,
      );
    }
    if (!here && there.compatibleFrom > known.length) {
      throw new SchemaError(
        `the ledger's schema has version ${applied.length}; since version ${version} (${there.name}) it needs a build of at least ${there.compatibleFrom}, this one knows ${known.length}: update Tollgate`,
      );
    }
  });
}
