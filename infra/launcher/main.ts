import { say } from '@tollgate/engines/host/progress';
import { readConfig } from './config.ts';
import { AlreadyRunningError } from './control/server.ts';
import { Launcher } from './launcher.ts';
import { adminTokenFile } from './start/kept-state.ts';
import { report } from './start/report.ts';

const startedAt = Date.now();
// A terminal that is gone must not end what runs.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  const config = readConfig();
  const launcher = new Launcher({ config, environment: process.env, say });
  let asked = false;
  const stop = (signal: NodeJS.Signals) => {
    // Only a person asks twice to hurry; a closing terminal sends several signals at once.
    const now = asked && signal === 'SIGINT';
    if (!asked) say('\nStopping: requests that are running are finished first (Ctrl-C once more: at once).');
    if (now) say('Stopping at once.');
    asked = true;
    void launcher.stop({ now });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // The process that ran this one is gone, even if by SIGKILL.
  process.on('disconnect', () => void launcher.stop());
  void launcher.stopped.then(() => {
    if (asked) say('Stopped.');
    process.exit(process.exitCode ?? 0);
  });
  try {
    const { status, key, model } = await launcher.start();
    const seconds = (Date.now() - startedAt) / 1000;
    const tokenPlace = config.adminToken ? 'TOLLGATE_ADMIN_TOKEN' : adminTokenFile(config.home);
    process.stdout.write(report({ status, key, model, tokenPlace, selfSigned: !config.certificate, seconds }));
  } catch (error) {
    if (!asked) {
      process.exitCode = 1;
      say(`tollgate: ${(error as Error).message}`);
      if (error instanceof AlreadyRunningError) say('npx tollgate status shows it, npx tollgate down ends it.');
    }
    await launcher.stop();
  }
} catch (error) {
  say(`tollgate: ${(error as Error).message}`);
  process.exit(1);
}
