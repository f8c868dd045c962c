import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { privateFolder } from '../private-file.ts';

/** A log file never grows much beyond this; the one before it is kept beside it as `.1`. */
const logBytesMax = 10_000_000;

const checkMs = 2_000;
const tailBytes = 4_000;

export interface LogFile {
  /** The descriptor that the child writes to. */
  readonly descriptor: number;
  close(): void;
}

/**
 * Opens a log file for a child's output. The child writes to the file itself, so that a busy or killed launcher cannot
 * hold it up. Rotation therefore copies and truncates (the child's descriptor appends, so it goes on at the start);
 * lines written between the two steps are lost.
 */
export function openLogFile(file: string): LogFile {
  privateFolder(path.dirname(file));
  rotate(file);
  const descriptor = openSync(file, 'a', 0o600);
  const timer = setInterval(() => rotate(file), checkMs);
  timer.unref();
  return {
    descriptor,
    close() {
      clearInterval(timer);
      closeSync(descriptor);
    },
  };
}

/** Keeps `file` below `bytesMax` by moving what it holds to `<file>.1`. */
export function rotate(file: string, bytesMax = logBytesMax): void {
  try {
    if (statSync(file).size <= bytesMax) return;
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The last lines of a log, for the message about a process that would not start. */
export function logTail(file: string): string {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const { size } = fstatSync(descriptor);
      const buffer = Buffer.alloc(Math.min(size, tailBytes));
      readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8').trim().split('\n').slice(-15).join('\n');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
}
