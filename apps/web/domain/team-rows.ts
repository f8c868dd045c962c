import type { Cell } from '../api/types.ts';

/** The rows of each team together; teams and rows stay in the order in which they come. */
export function byTeam(cells: readonly Cell[]): Cell[][] {
  const teams = new Map<string, Cell[]>();
  for (const cell of cells) {
    const rows = teams.get(cell.teamId);
    if (rows) rows.push(cell);
    else teams.set(cell.teamId, [cell]);
  }
  return [...teams.values()];
}
