import { settingsFrom } from './settings.ts';
import { startAzureSimulator } from './simulator.ts';

const simulator = await startAzureSimulator(settingsFrom(process.argv.slice(2), process.env));

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await simulator.close();
  // The IPC channel would keep the process alive.
  process.exit(0);
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// Whoever started the simulator is gone: nobody is left to stop it.
process.on('disconnect', stop);

process.stdout.write(`Azure OpenAI simulator on ${simulator.address}\n`);
process.send?.({ type: 'ready', address: simulator.address });
