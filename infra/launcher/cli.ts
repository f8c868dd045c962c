import { program } from './cli/program.ts';

// `tollgate logs | head` ends the reader first.
process.stdout.on('error', () => process.exit(0));

try {
  await program().parseAsync();
} catch (error) {
  process.stderr.write(`tollgate: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
// A bootstrap's IPC channel would keep this process alive.
if (process.connected) process.disconnect();
