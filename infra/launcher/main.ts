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
  let asked = 0;
  const stop = () => {
    asked += 1;
    say(
      asked === 1
        ? '\nStopping: requests that are running are finished first (once more: at once).'
        : 'Stopping at once.',
    );
    void launcher.stop({ now: asked > 1 });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // The process that ran this one is gone, even if by SIGKILL.
  process.on('disconnect', () => void launcher.stop());
  void launcher.stopped.then(() => process.exit(process.exitCode ?? 0));
  try {
    const { status, key, model } = await launcher.start();
    const seconds = (Date.now() - startedAt) / 1000;
    const tokenPlace = config.adminToken ? 'TOLLGATE_ADMIN_TOKEN' : adminTokenFile(config.home);
    process.stdout.write(report({ status, key, model, tokenPlace, selfSigned: !config.certificate, seconds }));
  } catch (error) {
    if (asked === 0) {
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
