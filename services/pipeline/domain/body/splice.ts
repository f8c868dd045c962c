/** Replace the bytes [start, end) by `bytes`. */
export interface Edit {
  start: number;
  end: number;
  bytes: Buffer;
}

/**
 * Applies edits, given in the order of their offsets and not overlapping; all other bytes stay as they are. `moved`
 * says where an offset of the old text, outside every edit, stands in the new one.
 */
export function splice(text: Buffer, edits: readonly Edit[]): { text: Buffer; moved: (offset: number) => number } {
  if (edits.length === 0) return { text, moved: (offset) => offset };
  const parts: Buffer[] = [];
  let copied = 0;
  for (const { start, end, bytes } of edits) {
    if (start < copied) throw new RangeError(`edit at ${start} overlaps the one before it, which ends at ${copied}`);
    parts.push(text.subarray(copied, start), bytes);
    copied = end;
  }
  parts.push(text.subarray(copied));
  return { text: Buffer.concat(parts), moved: (offset) => offset + shiftBefore(edits, offset) };
}

function shiftBefore(edits: readonly Edit[], offset: number): number {
  let shift = 0;
  for (const { start, end, bytes } of edits) {
    if (end > offset) break;
    shift += bytes.length - (end - start);
  }
  return shift;
}
