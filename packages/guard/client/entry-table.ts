import type { Entry } from './entry.ts';

const idMax = 0xffff_ffff;

/**
 * The outstanding entries of a pool by their id: a ring that ids walk round. Not a Map: under constant adding and deleting
 * each rehash of a Map leaves its old table pointing at the new one, so once one is in the old generation every later
 * table, and through it every entry and answer, is promoted too, and a third of the processor's time goes to the
 * garbage collector (seen with Node 24, `--trace-gc`).
 */
export class EntryTable {
  readonly #slots: (Entry | undefined)[];
  readonly #mask: number;
  #lastId = 0;
  #oldestId = 1;
  #size = 0;

  /** `sizeMax` entries at most; the caller keeps to it. */
  constructor(sizeMax: number) {
    const capacity = 2 ** Math.ceil(Math.log2(sizeMax * 2));
    this.#slots = new Array<Entry | undefined>(capacity).fill(undefined);
    this.#mask = capacity - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Gives the entry its id. One that is still in use is passed over, so an id is unique among what is outstanding. */
  add(entry: Entry): void {
    let id = this.#lastId;
    do {
      id = id === idMax ? 1 : id + 1;
    } while (this.#slots[id & this.#mask] !== undefined);
    this.#lastId = id;
    if (this.#size === 0) this.#oldestId = id;
    this.#size++;
    entry.request.id = id;
    this.#slots[id & this.#mask] = entry;
  }

  get(id: number): Entry | undefined {
    const entry = this.#slots[id & this.#mask];
    return entry?.request.id === id ? entry : undefined;
  }

  remove(entry: Entry): void {
    const { id } = entry.request;
    if (this.get(id) !== entry) return;
    this.#slots[id & this.#mask] = undefined;
    this.#size--;
  }

  /** All entries, roughly the oldest first. They may be removed meanwhile. */
  *entries(): Generator<Entry> {
    let left = this.#size;
    let id = this.#oldestId;
    let first = true;
    for (let steps = 0; left > 0 && steps <= this.#mask; steps++) {
      const entry = this.#slots[id & this.#mask];
      if (entry !== undefined) {
        if (first) this.#oldestId = entry.request.id;
        first = false;
        left--;
        yield entry;
      }
      id = id === idMax ? 1 : id + 1;
    }
  }
}
