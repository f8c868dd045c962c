/** The stylesheet has so many colours for groups (`--group-1` …), and `--group-rest`. */
const colorsMax = 10;
const rest = '*';

/**
 * Gives groups their colours in the order in which they are first seen, for the life of the page: another range, or a new
 * team, never changes a colour that somebody has learned.
 */
export class Colors {
  readonly #given = new Map<string, number>();

  /** The name of a CSS variable. */
  of(group: string): string {
    if (group === rest) return '--group-rest';
    const number = this.#given.get(group) ?? this.#given.size;
    this.#given.set(group, number);
    return `--group-${(number % colorsMax) + 1}`;
  }
}
