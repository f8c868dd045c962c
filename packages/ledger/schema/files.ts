import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** One file of migrations/: `0001_usage_events.sql`. */
export interface Migration {
  version: number;
  name: string;
  /** The oldest build that still works once this has been applied, by the schema version that it knows. */
  compatibleFrom: number;
  /** SHA-256 of the file. */
  checksum: string;
  statements: readonly string[];
}

const FOLDER = new URL('../migrations/', import.meta.url);

/** @throws when numbers are missing, doubled, or a file has no `-- compatible-from:` line */
export function readMigrations(folder: URL = FOLDER): readonly Migration[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return files.map((file, index) => {
    const migration = parseMigration(file, readFileSync(new URL(file, folder), 'utf8'));
    if (migration.version !== index + 1) throw new Error(`migrations: ${file} should have the number ${index + 1}`);
    return migration;
  });
}

export function parseMigration(file: string, text: string): Migration {
  const [, number, name] = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file) ?? [];
  const compatibleFrom = /^-- compatible-from: (\d+)$/m.exec(text)?.[1];
  if (number === undefined || name === undefined) throw new Error(`migrations: ${file} is not named 0001_name.sql`);
  if (compatibleFrom === undefined) throw new Error(`migrations: ${file} has no line '-- compatible-from: <version>'`);
  return {
    version: Number(number),
    name,
    compatibleFrom: Number(compatibleFrom),
    checksum: createHash('sha256').update(text).digest('hex'),
    statements: statementsOf(text),
  };
}

/** A statement ends with a semicolon at the end of a line; lines that start with `--` are comments. */
function statementsOf(text: string): string[] {
  const code = text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n');
  return code
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** The schema version that this build knows. */
export const schemaVersion: number = readMigrations().length;
