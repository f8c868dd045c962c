import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { AdminClient, Change, ConsoleStatus } from '../admin-client.ts';
import { withFiles } from '../configuration/read.ts';
import { adminClient, print } from './context.ts';

interface Options {
  file: string;
  yes?: boolean;
  dryRun?: boolean;
  ifNone?: boolean;
}

export const applyCommand = () =>
  new Command('apply')
    .description('show what a configuration file changes, then make it the next revision')
    .requiredOption('-f, --file <file>', 'the configuration (tollgate.yaml); - reads standard input')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show')
    .option('--if-none', 'only when nothing was applied yet, so that edits made since are never undone')
    .action(async (options: Options) => apply(await adminClient(), options));

async function apply(admin: AdminClient, { file, yes, dryRun, ifNone }: Options): Promise<void> {
  if (ifNone) {
    const { revision } = await admin.json<ConsoleStatus>('/api/status');
    if (revision > 0) return print(`Revision ${revision} is applied: nothing was changed.`);
  }
  const source = withFiles(readFileSync(file === '-' ? 0 : file, 'utf8'), file === '-' ? '.' : path.dirname(file));
  const preview = await admin.apply(source, { dryRun: true });
  print(changesText(preview.changes));
  for (const warning of preview.warnings ?? []) print(`Warning: ${warning}`);
  if (dryRun || preview.changes.length === 0) return;
  if (!yes && !(await confirmed())) {
    print('Nothing was changed.');
    return;
  }
  const { revision } = await admin.apply(source, { dryRun: false });
  print(`Applied as revision ${revision}.`);
}

/** One line a change: `+` new, `-` gone, `~` other than before. */
export function changesText(changes: readonly Change[]): string {
  if (changes.length === 0) return 'Nothing differs from what is applied.';
  return changes
    .map(({ path, from, to }) => {
      if (from === undefined || from === null) return `+ ${path}: ${JSON.stringify(to)}`;
      if (to === undefined || to === null) return `- ${path}: ${JSON.stringify(from)}`;
      return `~ ${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
    })
    .join('\n');
}

// A script cannot answer: there the command itself is the wish.
async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) return true;
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await ask.question('Apply? [y/N] ')).trim());
  } finally {
    ask.close();
  }
}
