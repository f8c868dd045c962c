import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const pollMs = 250;

/** The last `count` lines of a log, whose size the launcher bounds. */
export function lastLines(file: string, count: number): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count > 0 ? lines.slice(-count) : [];
}

/** Hands on every line that is written from now on, across rotations, until the process ends. */
export async function followFile(file: string, onLine: (line: string) => void): Promise<never> {
  let offset = statSync(file).size;
  let rest = '';
  for (;;) {
    await wait(pollMs);
    const added = readFrom(file, offset);
    offset = added.end;
    const lines = (rest + added.text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }
}

function readFrom(file: string, offset: number): { text: string; end: number } {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    // Smaller than before: the log was rotated, and what is there now is all new.
    const start = size < offset ? 0 : offset;
    const buffer = Buffer.alloc(size - start);
    readSync(descriptor, buffer, 0, buffer.length, start);
    return { text: buffer.toString('utf8'), end: size };
  } finally {
    closeSync(descriptor);
  }
}
