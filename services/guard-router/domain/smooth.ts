/**
 * Smooth weighted round robin, as nginx has it: each gains its weight, the one with the most has its turn and gives back what
 * all gained. In as many turns as the weights add up to each has exactly its weight of them, spread out evenly.
 * `adapters/choose.lua` does the same for all replicas.
 *
 * @param currents what each has gained so far, begins at 0; changed here
 * @param usable those that may have the turn; the others neither gain nor lose
 * @returns whose turn it is; -1 when nobody may have it
 */
export function smoothTurn(
  weights: readonly number[],
  currents: number[],
  usable: (position: number) => boolean,
): number {
  let total = 0;
  let chosen = -1;
  for (const [position, weight] of weights.entries()) {
    if (!usable(position)) continue;
    const current = (currents[position] ?? 0) + weight;
    currents[position] = current;
    total += weight;
    if (chosen < 0 || current > (currents[chosen] ?? 0)) chosen = position;
  }
  if (chosen >= 0) currents[chosen] = (currents[chosen] ?? 0) - total;
  return chosen;
}
