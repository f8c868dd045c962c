import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { privateFolder } from '@tollgate/engines';

/** The kernel's limit of a Unix socket's path is 108 bytes on Linux and 104 on macOS, its final zero included. */
const pathBytesMax = 103;

/**
 * Where the launcher of `home` listens for the command line: in the home folder, or, when that path is too long for a
 * socket, in a folder of this user's below the system's temporary one.
 */
export function controlSocketPath(home: string, temporary = tmpdir()): string {
  const inHome = path.join(home, 'control.sock');
  if (Buffer.byteLength(inHome) <= pathBytesMax) return inHome;
  const digest = createHash('sha256').update(home).digest('hex').slice(0, 16);
  return path.join(temporary, `tollgate-${process.getuid?.() ?? 'user'}`, `${digest}.sock`);
}

/** The same path, with its folder made (0700). */
export function preparedSocketPath(home: string): string {
  const socket = controlSocketPath(home);
  privateFolder(path.dirname(socket));
  return socket;
}
