// The launcher with real engines and fixture services, as a process that a test can kill.
import { fileURLToPath } from 'node:url';
import { readConfig } from '../config.ts';
import { Launcher } from '../launcher.ts';

const fixture = fileURLToPath(new URL('./fixture-service.ts', import.meta.url));
const launcher = new Launcher({
  config: readConfig(),
  environment: process.env,
  say: (text) => process.send?.({ said: text }),
  fileOf: () => fixture,
});
process.on('SIGTERM', () => void launcher.stop());
void launcher.stopped.then(() => process.exit(0));
try {
  process.send?.({ started: await launcher.start() });
} catch (error) {
  process.send?.({ failed: (error as Error).message });
  await launcher.stop();
}
