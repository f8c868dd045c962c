/**
 * What uPlot draws for a stack: the first of `columns` stands at the bottom. It draws series one over the other from the
 * axis up, so each is the sum of itself and all below it, and the highest comes first.
 */
export function stack(columns: readonly (readonly number[])[], length: number): number[][] {
  const heights = new Array<number>(length).fill(0);
  const drawn = columns.map((values) => {
    for (let index = 0; index < length; index += 1) heights[index] = (heights[index] ?? 0) + (values[index] ?? 0);
    return [...heights];
  });
  return drawn.reverse();
}

export const sumAt = (columns: readonly (readonly number[])[], index: number): number =>
  columns.reduce((sum, values) => sum + (values[index] ?? 0), 0);
