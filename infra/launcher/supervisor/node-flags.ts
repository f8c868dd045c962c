/** V8's flags are its own affair from version to version: on a Node other than this one they are left out. */
const nodeMajor = '24';

/**
 * With what Node runs a service. By default V8 collects its whole heap each time that 64 MiB of buffers came up, garbage
 * or not, which was half of the CPU that a body of 15 MiB cost in all services. Counted together with the heap, and with
 * 64 MiB before the first collection, buffers mostly go with the young generation. The price is memory: some 30 MiB
 * a service, and up to twice as much garbage while large bodies pass.
 */
export function nodeFlags(nodeVersion: string = process.versions.node): string[] {
  const quiet = '--disable-warning=ExperimentalWarning';
  if (nodeVersion.split('.')[0] !== nodeMajor) return [quiet];
  return [quiet, '--external-memory-accounted-in-global-limit', '--initial-old-space-size=64'];
}
