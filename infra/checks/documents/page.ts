import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace-list.ts';

/** A file of the repository. */
export function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

/** The rows of all tables of a page whose first cell is code, cells without the space around them. */
export function codeRows(page: string): string[][] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** What stands between backticks at the beginning of a cell. */
export function leadingCode(cell: string | undefined): string | undefined {
  return /^`([^`]+)`/.exec(cell ?? '')?.[1];
}
